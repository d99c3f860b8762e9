export interface Gate {
  /**
   * Waits for room, first come, first served. A size beyond the limit is admitted alone.
   *
   * @returns a function that releases the room
   * @throws the reason of the signal
   */
  acquire(size: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly size: number;
  admit(): void;
}

/** Limits the total size of concurrent work. */
export function createGate(room: number): Gate {
  const queue: Waiting[] = [];
  let inside = 0;

  function admitNext(): void {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (inside > 0 && inside + next.size > room) return;
      queue.shift();
      inside += next.size;
      next.admit();
    }
  }

  return {
    acquire(size, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const giveUp = (): void => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(signal.reason);
          admitNext();
        };
        const waiting: Waiting = {
          size,
          admit() {
            signal.removeEventListener('abort', giveUp);
            resolve(() => {
              inside -= size;
              admitNext();
            });
          },
        };
        signal.addEventListener('abort', giveUp, { once: true });
        queue.push(waiting);
        admitNext();
      });
    },
  };
}
