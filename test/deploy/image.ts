import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import dockerignore from '@balena/dockerignore';
import { type Copy, DockerfileParser, type From, type Instruction } from 'dockerfile-ast';

const execute = promisify(execFile);

/** The state of a stage of a Dockerfile. */
export interface Image {
  /** The directory that represents `/`. */
  readonly root: string;
  /** In the image, absolute. */
  workingDirectory: string;
  readonly environment: Record<string, string>;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  healthcheck: readonly string[];
}

export interface BuildOptions {
  /** Holds `Dockerfile` and `.dockerignore`. */
  readonly context: string;
  /** An empty one, for the file systems of the stages. */
  readonly directory: string;
  /** A stage; default the last. */
  readonly target?: string;
  /** Executes RUN; default: the shell. */
  readonly run?: (command: string, directory: string) => Promise<void>;
}

/**
 * Executes a Dockerfile without a container engine: a directory for every stage, steps as written, the
 * images of FROM replaced by the programs of this machine. It supports what our Dockerfile uses, and throws
 * on anything else. Absolute paths are those of COPY and WORKDIR; in a RUN they would be this machine's.
 */
export async function buildImage(options: BuildOptions): Promise<Image> {
  const dockerfile = DockerfileParser.parse(await readFile(join(options.context, 'Dockerfile'), 'utf8'));
  const steps = new Map<string, Instruction[]>();
  let last = '';
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      last = (instruction as From).getBuildStage() ?? '(last)';
      steps.set(last, []);
    } else steps.get(last)?.push(instruction);
  }

  // Like an engine: only the stages that this one copies from.
  const build = async (stage: string): Promise<Image> => {
    const instructions = steps.get(stage);
    if (instructions === undefined) throw new Error(`the Dockerfile has no stage ${stage}`);
    const image = newImage(join(options.directory, stage));
    for (const instruction of instructions) await follow(instruction, image, options, build);
    return image;
  };
  return build(options.target ?? last);
}

async function follow(
  instruction: Instruction,
  image: Image,
  { context, run = runInShell }: BuildOptions,
  build: (stage: string) => Promise<Image>,
): Promise<void> {
  const words = instruction.getArguments().map((argument) => argument.getValue());
  switch (instruction.getKeyword()) {
    case 'WORKDIR':
      image.workingDirectory = only(words);
      await mkdir(inside(image, '.'), { recursive: true });
      break;
    case 'ENV':
      for (const { name, value } of assignments(words)) image.environment[name] = value;
      break;
    case 'USER':
      image.user = only(words);
      break;
    case 'EXPOSE':
      break;
    case 'COPY': {
      const stage = (instruction as Copy).getFromFlag()?.getValue();
      if (stage != null) await copyFrom(await build(stage), image, words);
      else await copyContext(context, image, words);
      break;
    }
    case 'RUN':
      await run(instruction.getArgumentsContent() ?? '', inside(image, '.'));
      break;
    case 'HEALTHCHECK':
      image.healthcheck = execForm(instruction);
      break;
    case 'ENTRYPOINT':
      image.entrypoint = execForm(instruction);
      break;
    case 'CMD':
      image.command = execForm(instruction);
      break;
    default:
      throw new Error(`${instruction.getKeyword()} is not known here`);
  }
}

/** The location of a path of the image on this machine. */
export function inside(image: Image, path: string): string {
  return join(image.root, path.startsWith('/') ? path : join(image.workingDirectory, path));
}

function newImage(root: string): Image {
  return {
    root,
    workingDirectory: '/',
    environment: {},
    user: 'root',
    entrypoint: [],
    command: [],
    healthcheck: [],
  };
}

function only(words: readonly string[]): string {
  if (words.length !== 1 || words[0] === undefined) throw new Error(`one argument is wanted: ${words}`);
  return words[0];
}

function assignments(words: readonly string[]): { name: string; value: string }[] {
  return words.map((word) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined) throw new Error(`ENV ${word}: name=value is wanted`);
    return { name, value };
  });
}

/** `["node", "cli/bin.ts"]`: no shell in between, so that signals arrive. */
function execForm(instruction: Instruction): string[] {
  const list = /\[.*\]$/s.exec(instruction.getRawArgumentsContent() ?? '')?.[0];
  if (list === undefined) throw new Error(`${instruction.getKeyword()} is not in exec form`);
  return JSON.parse(list) as string[];
}

/** Executes RUN as written, with the programs of this machine. */
export async function runInShell(command: string, directory: string): Promise<void> {
  await execute('sh', ['-c', command], {
    cwd: directory,
    env: {
      HOME: process.env.HOME,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      // Uses packages that were fetched before.
      npm_config_prefer_offline: 'true',
    },
  });
}

async function copyFrom(stage: Image, image: Image, [source, destination, ...more]: string[]): Promise<void> {
  if (source === undefined || destination === undefined || more.length > 0) {
    throw new Error('COPY --from: one source and one destination are wanted');
  }
  // The stage was built for this copy only, so its files can be moved.
  await rename(inside(stage, source), inside(image, destination));
}

async function copyContext(context: string, image: Image, paths: readonly string[]): Promise<void> {
  const wanted = await notIgnored(context);
  for (const source of paths.slice(0, -1)) {
    const files = wanted.filter((file) => source === '.' || file === source || file.startsWith(`${source}/`));
    if (files.length === 0) throw new Error(`COPY ${source}: there is nothing, or .dockerignore hides it`);
    for (const file of files) {
      // A directory's contents are copied; a file keeps its name.
      const rest = source === '.' ? file : file === source ? basename(file) : file.slice(source.length + 1);
      await cp(join(context, file), join(inside(image, paths.at(-1) ?? ''), rest));
    }
  }
}

/** The files of the build context. */
async function notIgnored(context: string): Promise<string[]> {
  const patterns = (await readFile(join(context, '.dockerignore'), 'utf8')).split('\n');
  const ignore = dockerignore.default().add(patterns);
  const exceptions = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const files: string[] = [];
  const walk = async (directory: string): Promise<void> => {
    for (const entry of await readdir(join(context, directory), { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (!entry.isDirectory()) {
        if (!ignore.ignores(path)) files.push(path);
      } else if (!ignore.ignores(path) || exceptions.some((exception) => exception.startsWith(`${path}/`))) {
        await walk(path);
      }
    }
  };
  await walk('');
  return files;
}
