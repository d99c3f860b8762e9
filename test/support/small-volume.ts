import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const MIB = 1024 ** 2;
/** Of what is mounted here. */
const SIZE_MIB = 48;
/** Containers have a small one of their own, which needs no privilege to use. */
const SHARED_MEMORY = '/dev/shm';
const LARGEST_SHARED_MEMORY = 256 * MIB;

export interface SmallVolume {
  /** An empty directory on it. */
  readonly directory: string;
  /** Leaves about so many bytes free. */
  fill(bytesLeft: number): void;
  /** Frees what `fill` used. */
  clear(): void;
}

/**
 * A volume of a few dozen MiB that is removed after the test, or why there is none. Mounting one needs
 * root, or sudo without a password; a container without that privilege has its small /dev/shm.
 */
export function openSmallVolume(): SmallVolume | string {
  const mounted = mountSmallVolume();
  if (mounted !== undefined) return volumeAt(mounted);
  if (!isSmall(SHARED_MEMORY)) {
    return 'no small volume: mounting one needs root, and /dev/shm is not one';
  }
  const directory = mkdtempSync(join(SHARED_MEMORY, 'originscope-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return volumeAt(directory);
}

function mountSmallVolume(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'originscope-volume-'));
  const owner = `uid=${process.getuid?.()},gid=${process.getgid?.()},mode=700`;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (...command: string[]) => {
    const [program = '', ...args] = [...sudo, ...command];
    execFileSync(program, args, { stdio: 'ignore' });
  };
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,${owner}`, 'originscope-test', directory);
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    // Lazily: a process that was killed may not have let go of it yet.
    run('umount', '--lazy', directory);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

function isSmall(path: string): boolean {
  try {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize <= LARGEST_SHARED_MEMORY;
  } catch {
    return false;
  }
}

function volumeAt(directory: string): SmallVolume {
  const filler = join(directory, 'filler');
  const clear = () => rmSync(filler, { force: true });
  return {
    directory,
    fill(bytesLeft) {
      clear();
      const { bavail, bsize } = statfsSync(directory);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - bytesLeft)));
    },
    clear,
  };
}
