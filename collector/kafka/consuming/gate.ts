export interface Gate {
  /**
   * Resolves when there is room for so much, first come, first served; with what leaves again. What is larger
   * than all the room gets in when nobody else is there. Rejects with the signal's reason.
   */
  enter(size: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly size: number;
  admit(): void;
}

/** Bounds what is in hand at once, whoever holds it. */
export function createGate(room: number): Gate {
  const queue: Waiting[] = [];
  let inside = 0;

  function admitWhoFits(): void {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (inside > 0 && inside + next.size > room) return;
      queue.shift();
      inside += next.size;
      next.admit();
    }
  }

  return {
    enter(size, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const giveUp = (): void => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(signal.reason);
          admitWhoFits();
        };
        const waiting: Waiting = {
          size,
          admit() {
            signal.removeEventListener('abort', giveUp);
            resolve(() => {
              inside -= size;
              admitWhoFits();
            });
          },
        };
        signal.addEventListener('abort', giveUp, { once: true });
        queue.push(waiting);
        admitWhoFits();
      });
    },
  };
}
