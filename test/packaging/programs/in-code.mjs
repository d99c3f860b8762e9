import { CorsInstrumentation } from '@originscope/instrumentation-cors';
import './server.mjs';

new CorsInstrumentation();
