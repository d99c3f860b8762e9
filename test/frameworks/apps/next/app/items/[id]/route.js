export { GET, OPTIONS } from '../route.js';
