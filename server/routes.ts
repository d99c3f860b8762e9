import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';

/**
 * Adds the routes of another folder to the HTTP server of a process, before it listens.
 *
 * @param access asserts the token; a route that shows data calls it
 */
export type AddRoutes = (server: FastifyInstance, access: Access) => void;
