// A service in three worker threads. Prints their ports; at SIGTERM it ends as its argument says.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

if (isMainThread) {
  const workers = Array.from({ length: 3 }, () => new Worker(fileURLToPath(import.meta.url)));
  const ports = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)));
  const endings = {
    exit: () => process.exit(143),
    async terminate() {
      await Promise.all(workers.map((worker) => worker.terminate()));
      process.exit(0);
    },
    // Nothing keeps the main thread any more; its end is that of the workers.
    unref() {
      for (const worker of workers) worker.unref();
    },
    raiseLater() {
      process.removeAllListeners('SIGTERM');
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20);
    },
    exitInWorkers() {
      for (const worker of workers) worker.postMessage('exit');
    },
  };
  const ending = endings[process.argv[2]];
  if (ending) process.on('SIGTERM', ending);
  console.log((await Promise.all(ports)).join(' '));
} else {
  const server = createServer((_request, response) => response.end('answer'));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', () => process.exit());
}
