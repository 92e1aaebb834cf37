//! The issuer: every strategy, under clients, with servers and rights that are not as they should be.

mod company;
mod contract;
mod disk;
mod drift;
mod hostile;
mod in_place;
mod lost;
mod md5;
mod refusal;
mod replica;
mod rights;
mod sessions;
mod tls;
mod twins;
