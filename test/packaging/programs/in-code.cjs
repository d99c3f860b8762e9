const { CorsInstrumentation } = require('@originscope/instrumentation-cors');

new CorsInstrumentation();
require('./server.cjs');
