/**
 * A service without HTTP: records decisions, prints `ready`, and ends in the way given by its argument.
 * Prints how many decisions it recorded after each step.
 */
import { createServer } from 'node:http';
import { createRecorder } from '../../instrumentation/src/delivery/recorder.ts';
import { observation } from './observation.ts';

const recorder = createRecorder();
let recorded = 0;
const record = (count: number) => {
  for (let n = 0; n < count; n++, recorded++) recorder.record(observation({ time: Date.now() }));
};
record(1);
await recorder.flush();
// Repeats of a decision that was reported already: they are due in ten seconds.
record(41);

const endings: Record<string, () => void> = {
  /** Has nothing left to do. */
  returns() {},

  /** Keeps serving, without signal handlers. */
  serves() {
    createServer().listen(0, '127.0.0.1');
  },

  /** Stops serving on SIGTERM, but answers what is under way. */
  drains() {
    const server = createServer().listen(0, '127.0.0.1');
    process.once('SIGTERM', () => {
      let underWay = 8;
      const answerOne = () => {
        record(1);
        underWay -= 1;
        if (underWay > 0) setTimeout(answerOne, 50);
        else server.close();
      };
      answerOne();
    });
  },

  /** Ignores SIGTERM. */
  stays() {
    createServer().listen(0, '127.0.0.1');
    process.on('SIGTERM', () => console.log('still here'));
  },

  /** Like packages for clean-up at exit: raises the signal again if there is no other listener. */
  cleansUp() {
    createServer().listen(0, '127.0.0.1');
    const cleanUp = () => {
      if (process.listenerCount('SIGTERM') > 1) return;
      process.removeListener('SIGTERM', cleanUp);
      process.kill(process.pid, 'SIGTERM');
    };
    process.on('SIGTERM', cleanUp);
  },
};

endings[process.argv[2] ?? '']?.();
console.log('ready');
process.on('exit', () => console.log(`recorded ${recorded}`));
