import type { RunningFirefox } from '../support/firefox.ts';
import type { BrowserCase } from './browser-case.ts';

/** @returns whether the page got its answer */
export async function fetchInFirefox(
  firefox: RunningFirefox,
  { method, headers, body, mode, credentials }: BrowserCase,
  url: string,
): Promise<boolean> {
  const init = { method, headers, mode, credentials, cache: 'no-store', body };
  const isAllowed = await firefox.evaluate(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(() => true, () => false)`,
  );
  return isAllowed === true;
}
