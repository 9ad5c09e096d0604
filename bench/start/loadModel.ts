// node loadModel.js MODEL: prints how long a process takes to load the runtime and a model, and to run it once, in ms.
const startMs = performance.now();
const { DetectorSession } = await import('../../operators/yolo/detectorSession.js');
const inputSize = { width: 640, height: 640 };
const settings = {
  kind: 'detect',
  path: process.argv[2] ?? '',
  providers: ['cpu'],
  maxBatch: 1,
  options: { task: 'detect', inputSize },
} as const;
const session = await DetectorSession.open(settings);
console.log(performance.now() - startMs);
await session.close();

export {};
