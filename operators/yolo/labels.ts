import { closest, EdgeFlowError } from 'edgeflow';

/** The 80 classes of COCO in the order of all published YOLO models. */
export const coco80: readonly string[] = (
  'person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,bench,bird,' +
  'cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,' +
  'sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,' +
  'bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,' +
  'toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,' +
  'teddy bear,hair drier,toothbrush'
).split(',');

/**
 * Reads the class names that Ultralytics writes into a model: a Python dict, `{0: 'person', 1: "it's"}`, or a list. JSON
 * of either form fits the same grammar. Nothing is evaluated.
 *
 * @returns undefined when the text is something else, or when an index is missing.
 */
export function parseNames(text: string): readonly string[] | undefined {
  const body = /^\s*(?:\{(.*)\}|\[(.*)\])\s*$/s.exec(text);
  if (!body) return undefined;
  const keyed = body[1] !== undefined;
  const rest = body[1] ?? body[2] ?? '';
  const item = /\s*(?:["']?(\d{1,6})["']?\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(?:,|$)/sy;
  const names = new Map<number, string>();
  while (item.lastIndex < rest.trimEnd().length) {
    const match = item.exec(rest);
    if (!match || (match[1] !== undefined) !== keyed) return undefined;
    names.set(keyed ? Number(match[1]) : names.size, (match[2] ?? match[3] ?? '').replace(/\\(.)/gs, '$1'));
  }
  const list = Array.from({ length: names.size }, (_, index) => names.get(index));
  return list.length > 0 && list.every((name) => name !== undefined) ? list : undefined;
}

/** Where class names may come from. */
export interface LabelSources {
  /** As users write it, for messages. */
  readonly operator: string;
  /** Name of the model, for messages. */
  readonly model: string;
  /** Number of classes that the output's shape tells; undefined for end-to-end heads. */
  readonly classes: number | undefined;
  /** The user's own. */
  readonly labels: readonly string[] | undefined;
  /** The `names` of the file's metadata. */
  readonly names: string | undefined;
}

/**
 * The name of each class: the user's, else the model's own, else COCO's where there are 80.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` when there are none, or not as many as classes.
 */
export function resolveLabels({ operator, model, classes, labels, names }: LabelSources): readonly string[] {
  const own = names === undefined ? undefined : parseNames(names);
  const fitting = own && (classes === undefined || own.length === classes) ? own : undefined;
  const chosen = labels ?? fitting ?? (classes === coco80.length ? coco80 : undefined);
  const count = classes === undefined ? 'an unknown number of' : String(classes);
  if (!chosen)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: model '${model}' has ${count} classes and no names for them; give \`labels\`, one name a class in the model's order`,
    );
  if (classes !== undefined && chosen.length !== classes)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: ${chosen.length} labels were given, but model '${model}' has ${count} classes; give one label a class in the model's order`,
    );
  return chosen;
}

/**
 * The ids of the classes with these names.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for a name that the model does not have, with the closest that it has.
 */
export function classIdsOf(operator: string, wanted: readonly string[], labels: readonly string[]): readonly number[] {
  return wanted.flatMap((name) => {
    const ids = labels.flatMap((label, id) => (label === name ? [id] : []));
    if (ids.length > 0) return ids;
    const hint = closest(name, labels);
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: classes names '${name}', which the model does not know${hint === undefined ? '' : `; did you mean '${hint}'?`}`,
    );
  });
}
