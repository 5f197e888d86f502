// Module hooks: `portcullis/…` is the package of one build, for every importing file. JavaScript, since hooks run in a
// thread where no TypeScript loader is at work.

/** A file of that build's package: it may import the package by its own name. */
let parent

export function initialize(data) {
  parent = data.parent
}

export function resolve(specifier, context, next) {
  const ours = specifier === 'portcullis' || specifier.startsWith('portcullis/')
  return next(specifier, ours ? { ...context, parentURL: parent } : context)
}
