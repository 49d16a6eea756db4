//! What `zoneway envoy` renders, and the examples in `envoy-config/`, under the real Envoy.

mod example;
mod parts;
mod process;

mod command;
mod func_e;
mod minimal;
mod validate;
