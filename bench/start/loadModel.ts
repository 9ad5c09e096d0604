// node loadModel.js MODEL: prints how long a process takes to load the runtime and a model, and to run it once, in ms.
const startMs = performance.now();
const { ModelSession } = await import('../../operators/yolo/modelSession.js');
const session = await ModelSession.open(process.argv[2] ?? '', { width: 640, height: 640 });
console.log(performance.now() - startMs);
await session.close();

export {};
