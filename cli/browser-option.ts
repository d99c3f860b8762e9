import { Option } from 'commander';
import { BROWSERS, type Browser } from '../explain/browsers.ts';

/** `--browser`, of the commands that say what browsers do. */
export function browserOption(): Option {
  return new Option(
    '--browser <browser>',
    'browser to explain; all if absent, and where they differ',
  ).choices(BROWSERS);
}

/** The browsers that the option asks for. */
export function browsersOf(browser: Browser | undefined): readonly Browser[] {
  return browser === undefined ? BROWSERS : [browser];
}
