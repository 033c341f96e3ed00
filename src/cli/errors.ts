export { BadInput, Problem } from '../operator/errors';
