import type { ClickHouseClient } from '@clickhouse/client';
import type { Inserting } from '../../clickhouse/connector.ts';

/** As much of a client as writers, publishers and imports use. */
export type Clients = Pick<ClickHouseClient, 'command' | 'query'> & Inserting;
