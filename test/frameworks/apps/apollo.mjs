import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { setRoute } from '@originscope/instrumentation-cors';

const server = new ApolloServer({
  typeDefs: 'type Query { items: [String!]! }',
  resolvers: { Query: { items: () => [] } },
});
await startStandaloneServer(server, {
  context: async ({ req }) => {
    setRoute(req, '/graphql');
    return {};
  },
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
});
console.log('ready');
