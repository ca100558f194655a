//! The checker against whole projects.

mod corpus;
mod editor;
mod fixture;
mod hostile;
