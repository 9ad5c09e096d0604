import {
  annotate,
  blurRegions,
  classify,
  crop,
  dedupe,
  estimatePose,
  infer,
  loadS3,
  notify,
  priority,
  replay,
  storeS3,
  tileFrames,
  toHomeAssistant,
  toMqtt,
  zones,
} from 'edgeflow/operators';
import { expect, test } from 'vitest';

/** As a caller without types would leave it out, or misspell it. */
const any = (value: unknown): never => value as never;
const device = { id: 'door', name: 'Door' };
const url = 'mqtt://127.0.0.1';

test.each<[string, () => unknown, string]>([
  ['annotate', () => annotate(any({ fram: () => undefined })), 'frame is missing; expected a function'],
  ['blurRegions', () => blurRegions(any({ boxes: () => [] })), 'frame is missing; expected a function'],
  ['blurRegions', () => blurRegions(any({ frame: () => undefined, boxes: [] })), 'boxes is []; expected a function'],
  ['classify', () => classify(any({})), 'model is missing; expected a path, a file: URL, or the name of a model'],
  ['classify', () => classify(any({ model: 'm.onnx', objects: () => [] })), 'frame is missing; expected a function'],
  ['crop', () => crop(any({ frame: () => undefined })), 'boxes is missing; expected a function'],
  ['dedupe', () => dedupe(any({ key: () => 1 })), 'by is missing; expected a function'],
  ['estimatePose', () => estimatePose(any({ modl: 'm.onnx' })), 'model is missing; expected a path'],
  ['infer', () => infer(any({})), 'model is missing; expected a path'],
  ['infer', () => infer(any({ model: 5, prepare: () => [], interpret: () => 1 })), 'model is 5; expected a path'],
  ['infer', () => infer(any({ model: 'm.onnx', interpret: () => 1 })), 'prepare is missing; expected a function'],
  ['infer', () => infer(any({ model: 'm.onnx', prepare: () => [] })), 'interpret is missing; expected a function'],
  ['loadS3', () => loadS3(any({})), 'bucket is missing; expected 3 to 63 small letters'],
  ['notify', () => notify(any({ title: 'a', message: 'b' })), 'via is missing; expected a sink'],
  ['notify', () => notify(any({ title: 'a', mesage: 'b', via: ['true'] })), 'message is missing; expected a text, or a function'],
  ['priority', () => priority(any({})), 'streams is {}; expected a list of streams'],
  ['replay', () => replay(any(undefined)), 'file is missing; expected the path of a recording'],
  ['storeS3', () => storeS3(any({ buket: 'pictures' })), 'bucket is missing; expected 3 to 63 small letters'],
  ['tileFrames', () => tileFrames(any({ source: ['a'] })), 'sources is missing; expected a list of names'],
  ['toHomeAssistant', () => toHomeAssistant(any({ url, device })), 'entities is missing; expected an object of entities'],
  ['toHomeAssistant', () => toHomeAssistant(any({ url, entities: {} })), "device is missing; expected an object such as { id: 'door'"],
  ['toMqtt', () => toMqtt(any({ topic: 'a' })), 'url is missing; expected one that begins with mqtt://'],
  ['zones', () => zones(any({ zone: {} })), 'zones is missing; expected an object of polygons'],
])('%s names a needed option that is left out, or of another kind, at once', (operator, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(`${operator}: ${message}`) as string }),
  );
});
