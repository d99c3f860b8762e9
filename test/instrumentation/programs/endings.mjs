// A service that ends as its argument says, in the ways that frameworks and libraries do. Prints its port.
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const server = createServer((request, response) => {
  response.setHeader('access-control-allow-origin', '*');
  response.end('answer');
  if (request.url === '/end') response.once('close', () => ends[ending]?.());
});
const close = () => {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  return closed;
};
const onSignals = (listener) => {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, listener);
};

/** What is set up at the start. */
const starts = {
  none() {},
  // next start
  exitAtOnce: () => onSignals((signal) => process.exit(signal === 'SIGINT' ? 130 : 143)),
  // Nitro, Nuxt, and most that stop gracefully
  closeAndExit: () =>
    onSignals(async () => {
      await close();
      process.exit(0);
    }),
  // The same with an exit code that was set before
  closeAndExitCode: () =>
    onSignals(async () => {
      process.exitCode = 12;
      await close();
    }),
  // Nest's enableShutdownHooks, Apollo's startStandaloneServer
  closeAndRaise() {
    const listener = async (signal) => {
      await close();
      process.removeListener('SIGTERM', listener);
      process.removeListener('SIGINT', listener);
      process.kill(process.pid, signal);
    };
    onSignals(listener);
  },
  raiseLater: () =>
    process.once('SIGTERM', async () => {
      await close();
      await delay(50);
      process.kill(process.pid, 'SIGTERM');
    }),
  raiseAndExit: () =>
    process.once('SIGTERM', () => {
      process.kill(process.pid, 'SIGTERM');
      process.exit(5);
    }),
  // signal-exit, which restores terminals, removes lock files and the like
  raiseIfAlone() {
    const listener = () => {
      if (process.listeners('SIGTERM').length > 1) return;
      process.removeListener('SIGTERM', listener);
      process.kill(process.pid, 'SIGTERM');
    };
    process.on('SIGTERM', listener);
  },
  throwInHandler: () =>
    process.once('SIGTERM', () => {
      throw new Error('failed to stop');
    }),
  exitInExit: () => process.prependListener('exit', () => process.exit(9)),
  throwInExit: () =>
    process.on('exit', () => {
      throw new Error('failed to exit');
    }),
};

/** What happens at GET /end. */
const ends = {
  exit: () => process.exit(3),
  exitInExit: () => process.exit(3),
  throwInExit: () => process.exit(3),
  throw() {
    throw new Error('not caught');
  },
  reject: () => void Promise.reject(new Error('not caught')),
  raise: () => process.kill(process.pid, 'SIGHUP'),
  close,
  closeWithCode() {
    process.exitCode = 4;
    close();
  },
  // A module that never finishes: Node ends with 13.
  pendingAwait: close,
  beforeExit() {
    process.once('beforeExit', () => process.exit(6));
    close();
  },
};

const ending = process.argv[2];
starts[ending]?.();
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
if (ending === 'pendingAwait') await new Promise(() => {});
