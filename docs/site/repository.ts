/** Where links lead to files that are not on the site. */
export const REPOSITORY = 'https://github.com/originscope/originscope';
