export { default } from '../items.js';
