// The service in a worker thread. What the main thread was started with reaches it by inheritance.
import { Worker } from 'node:worker_threads';

new Worker(new URL('./server.mjs', import.meta.url));
