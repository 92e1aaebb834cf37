//! The material store: sealed bytes, which this database cannot read.

use std::collections::HashMap;

use async_trait::async_trait;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{ErrorKind, JournalError, MaterialStore, PortError, SealedMaterial};
use sqlx::PgConnection;

use crate::database::{Change, Database};

/// How often material is put that somebody else put and destroyed again between the two statements.
const TRIES: u32 = 16;

type Columns = (String, Vec<u8>, Vec<u8>, Vec<u8>);

#[async_trait]
impl MaterialStore for Database {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        let change = Put {
            id: id.clone(),
            key: id.to_string(),
            sealed: sealed.clone(),
        };
        Ok(self.puts.make(change).await?)
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        let query =
            "SELECT key_id, wrapped_key, nonce, ciphertext FROM materials WHERE credential = $1 AND version = $2";
        let query = sqlx::query_as(query)
            .bind(id.credential.as_str())
            .bind(id.number.0.cast_signed());
        let found: Vec<Columns> = self.readers.read("read sealed material", query).await?;
        Ok(found.into_iter().next().map(sealed))
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        let delete = "DELETE FROM materials WHERE credential = $1 AND version = $2 RETURNING version";
        let query = sqlx::query_as(delete)
            .bind(id.credential.as_str())
            .bind(id.number.0.cast_signed());
        let _: Vec<(i64,)> = self.readers.write("destroy sealed material", query).await?;
        Ok(())
    }
}

fn sealed((key_id, wrapped_key, nonce, ciphertext): Columns) -> SealedMaterial {
    SealedMaterial {
        key_id,
        wrapped_key,
        nonce,
        ciphertext,
    }
}

pub(crate) struct Put {
    id: VersionId,
    key: String,
    sealed: SealedMaterial,
}

const PUT: &str = "
    INSERT INTO materials (credential, version, key_id, wrapped_key, nonce, ciphertext)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[])
    ON CONFLICT DO NOTHING";

const GET: &str = "
    SELECT a.number, m.key_id, m.wrapped_key, m.nonce, m.ciphertext
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS a (credential, version, number)
    JOIN materials m ON m.credential = a.credential AND m.version = a.version";

#[async_trait]
impl Change for Put {
    type Answer = SealedMaterial;

    const DOING: &'static str = "keep sealed material";

    fn key(&self) -> &str {
        &self.key
    }

    async fn make(
        puts: &[&Self],
        connection: &mut PgConnection,
    ) -> Result<Vec<Result<SealedMaterial, JournalError>>, sqlx::Error> {
        let mut kept = HashMap::new();
        for _ in 0..TRIES {
            if write(puts, connection).await? == puts.len() as u64 {
                return Ok(puts.iter().map(|put| Ok(put.sealed.clone())).collect());
            }
            kept = read(puts, connection).await?;
            if kept.len() == puts.len() {
                break;
            }
        }
        let busy = || {
            let message = "the material is put and destroyed by others all the time; try again";
            JournalError::from(PortError::transient(ErrorKind::Conflict, message))
        };
        Ok((0..puts.len())
            .map(|index| kept.remove(&index).ok_or_else(busy))
            .collect())
    }
}

/// How many of them were not there yet.
async fn write(puts: &[&Put], connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    fn column<'a, T>(puts: &[&'a Put], value: impl Fn(&'a Put) -> T) -> Vec<T> {
        puts.iter().map(|put| value(put)).collect()
    }
    let written = sqlx::query(PUT)
        .bind(column(puts, |put| put.id.credential.as_str()))
        .bind(column(puts, |put| put.id.number.0.cast_signed()))
        .bind(column(puts, |put| put.sealed.key_id.as_str()))
        .bind(column(puts, |put| put.sealed.wrapped_key.as_slice()))
        .bind(column(puts, |put| put.sealed.nonce.as_slice()))
        .bind(column(puts, |put| put.sealed.ciphertext.as_slice()))
        .execute(connection)
        .await?;
    Ok(written.rows_affected())
}

/// Which of those that were asked for, and the columns of its material.
type Row = (i64, String, Vec<u8>, Vec<u8>, Vec<u8>);

async fn read(puts: &[&Put], connection: &mut PgConnection) -> Result<HashMap<usize, SealedMaterial>, sqlx::Error> {
    let credentials: Vec<_> = puts.iter().map(|put| put.id.credential.as_str()).collect();
    let versions: Vec<_> = puts.iter().map(|put| put.id.number.0.cast_signed()).collect();
    let query = sqlx::query_as(GET).bind(credentials).bind(versions);
    let found: Vec<Row> = query.fetch_all(connection).await?;
    let kept = found
        .into_iter()
        .map(|(number, key_id, wrapped_key, nonce, ciphertext)| {
            (number as usize - 1, sealed((key_id, wrapped_key, nonce, ciphertext)))
        });
    Ok(kept.collect())
}
