import { openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';

/** Makes an empty database with the current schema in the given directory. */
const clickHouse = await openClickHouse({ directory: process.argv[2] as string });
await migrate(clickHouse.writing);
await clickHouse.close();
