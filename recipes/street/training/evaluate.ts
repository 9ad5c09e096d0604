/** Prints mAP@0.5 on scenes of the test seeds, also after a JPEG and at other sizes: `evaluate.ts [MODEL] [SCENES]`. */
import { encodeJpeg } from 'edgeflow/operators';
import { evaluateOnStreet, type EvaluateOptions } from '../evaluate.js';
import { streetModelPath } from '../model.js';

/** Seeds that neither the training nor the choice of a model has seen. */
const firstTestSeed = 300_000;

const conditions: Record<string, Partial<EvaluateOptions>> = {
  '640x360': {},
  '640x360, JPEG of quality 50': { through: encodeJpeg({ quality: 50 }) },
  '1280x720': { width: 1280 },
  '320x180': { width: 320 },
};

const [model = streetModelPath, scenes = '100'] = process.argv.slice(2);
const seeds = Array.from({ length: Number(scenes) }, (_, at) => firstTestSeed + at);
console.log('| frames | mAP@0.5 | person | car | dog | bicycle |\n| --- | --- | --- | --- | --- | --- |');
let counts = '';
for (const [name, condition] of Object.entries(conditions)) {
  const { precision, mean, objects } = await evaluateOnStreet({ model, seeds, ...condition });
  const cells = [mean, precision.person, precision.car, precision.dog, precision.bicycle].map((value) => value.toFixed(3));
  console.log(`| ${[name, ...cells].join(' | ')} |`);
  counts ||= `${objects.person} | ${objects.car} | ${objects.dog} | ${objects.bicycle}`;
}
console.log(`| objects that count | | ${counts} |`);
