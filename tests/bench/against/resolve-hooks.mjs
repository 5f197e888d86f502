// Module hooks: resolve `portcullis/…` to the package of one build, for every importing file. JavaScript, because hooks
// run in a thread without a TypeScript loader.

/** A file of that build's package, which may import the package by name. */
let parent

export function initialize(data) {
  parent = data.parent
}

export function resolve(specifier, context, next) {
  const ours = specifier === 'portcullis' || specifier.startsWith('portcullis/')
  return next(specifier, ours ? { ...context, parentURL: parent } : context)
}
