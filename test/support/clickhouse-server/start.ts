import { onTestFinished } from 'vitest';
import { type ClickHouseServer, type ClickHouseServerOptions, launchClickHouseServer } from './launch.ts';

/** Starts an emulated ClickHouse server that ends with the test. */
export async function startClickHouseServer(
  options: ClickHouseServerOptions = {},
): Promise<ClickHouseServer> {
  const server = await launchClickHouseServer(options);
  onTestFinished(() => server.stop());
  return server;
}
