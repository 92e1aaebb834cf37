//! PEM armour (RFC 7468), looked at closely enough to say what is wrong with it.
//!
//! The blocks are found here; their base64 is decoded in constant time by `pem-rfc7468` straight into a buffer that
//! is wiped, so that no copy of a private key is left on the heap.

use rsa::pkcs8::der::pem::Decoder;
use zeroize::Zeroizing;

use super::KeyError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block, from its BEGIN line to its END line.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    text: &'a str,
}

impl Block<'_> {
    fn is_encrypted(&self) -> bool {
        // RFC 1421 section 4.6.1.1 for the header of the old form, RFC 5958 section 3 for the label of the new one.
        self.label == "ENCRYPTED PRIVATE KEY"
            || self
                .text
                .lines()
                .any(|line| line.starts_with("Proc-Type:") && line.contains("ENCRYPTED"))
    }

    /// The bytes inside of the armour.
    pub(super) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let broken = || KeyError::Armour {
            label: self.label.to_owned(),
        };
        // Some tools write lines of 76 characters or a single one; the first line says which.
        let width = self.text.lines().nth(1).map_or(64, |line| line.trim_end().len()).max(4);
        let mut decoder = Decoder::new_wrapped(self.text.as_bytes(), width).map_err(|_| broken())?;
        let mut der = Zeroizing::new(vec![0; decoder.remaining_len()]);
        decoder.decode(&mut der).map_err(|_| broken())?;
        if decoder.is_finished() { Ok(der) } else { Err(broken()) }
    }

    pub(super) fn malformed(&self, wanted: &'static str) -> KeyError {
        KeyError::Malformed {
            label: self.label.to_owned(),
            wanted,
        }
    }
}

/// The one key in a file. `EC PARAMETERS`, which `openssl ecparam` writes in front of a key, is passed over.
pub(super) fn single(pem: &[u8]) -> Result<Block<'_>, KeyError> {
    let text = std::str::from_utf8(pem).map_err(|_| KeyError::NotPem)?;
    let mut blocks = blocks(text)?;
    blocks.retain(|block| block.label != "EC PARAMETERS");
    if blocks.iter().any(Block::is_encrypted) {
        return Err(KeyError::Encrypted);
    }
    match blocks.len() {
        0 => Err(KeyError::NotPem),
        1 => Ok(blocks.remove(0)),
        count => {
            let labels = blocks.iter().map(|block| block.label).collect::<Vec<_>>().join(", ");
            Err(KeyError::SeveralBlocks { count, labels })
        }
    }
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>, KeyError> {
    let mut found = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if let Some(label) = boundary(bare, BEGIN) {
            if let Some((_, label)) = open {
                return Err(KeyError::Truncated {
                    label: label.to_owned(),
                });
            }
            open = Some((offset, label));
        } else if let Some(label) = boundary(bare, END)
            && let Some((start, begun)) = open.take()
        {
            if label != begun {
                return Err(KeyError::Truncated {
                    label: begun.to_owned(),
                });
            }
            found.push(Block {
                label,
                text: &text[start..offset + bare.len()],
            });
        }
        offset += line.len();
    }
    match open {
        Some((_, label)) => Err(KeyError::Truncated {
            label: label.to_owned(),
        }),
        None => Ok(found),
    }
}

/// The label of a boundary line. Lines of the key itself can never be taken for one: base64 has no dashes.
fn boundary<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.strip_prefix(kind)?.strip_suffix(DASHES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELLO: &str = "-----BEGIN PUBLIC KEY-----\nAAECAwQF\n-----END PUBLIC KEY-----\n";

    #[test]
    fn text_before_and_after_a_block_is_passed_over() {
        let text = format!("Bag Attributes\r\n{HELLO}trailer");
        let block = single(text.as_bytes()).unwrap();
        assert_eq!(
            (block.label, block.decode().unwrap().as_slice()),
            ("PUBLIC KEY", &[0, 1, 2, 3, 4, 5][..])
        );
    }

    #[test]
    fn lines_of_any_one_length_are_read() {
        for body in ["AAEC\nAwQF", "AAECAwQF", "AAEC\r\nAwQF"] {
            let text = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
            assert_eq!(single(text.as_bytes()).unwrap().decode().unwrap().len(), 6, "{body}");
        }
    }

    #[test]
    fn a_block_without_an_end_is_called_truncated() {
        let text = HELLO.replace("-----END PUBLIC KEY-----\n", "");
        let truncated = KeyError::Truncated {
            label: "PUBLIC KEY".to_owned(),
        };
        assert_eq!(single(text.as_bytes()).unwrap_err(), truncated);
        assert_eq!(single(format!("{text}{HELLO}").as_bytes()).unwrap_err(), truncated);
    }

    #[test]
    fn two_blocks_are_named_and_refused() {
        let two = format!("{HELLO}{HELLO}");
        let labels = "PUBLIC KEY, PUBLIC KEY".to_owned();
        assert_eq!(
            single(two.as_bytes()).unwrap_err(),
            KeyError::SeveralBlocks { count: 2, labels }
        );
    }

    #[test]
    fn both_forms_of_passphrase_protection_are_recognised() {
        let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAEC\n-----END ENCRYPTED PRIVATE KEY-----";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC\n\
                   -----END RSA PRIVATE KEY-----";
        assert_eq!(single(new.as_bytes()).unwrap_err(), KeyError::Encrypted);
        assert_eq!(single(old.as_bytes()).unwrap_err(), KeyError::Encrypted);
    }

    #[test]
    fn text_that_is_not_base64_is_refused() {
        let text = HELLO.replace("AAEC", "AA*C");
        let block = single(text.as_bytes()).unwrap();
        assert_eq!(
            block.decode().unwrap_err(),
            KeyError::Armour {
                label: "PUBLIC KEY".to_owned()
            }
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..70usize) {
            if let Ok(block) = single(&bytes) {
                let _ = block.decode();
            }
            let mut damaged = HELLO.as_bytes().to_vec();
            damaged.splice(cut.min(HELLO.len()).., bytes);
            if let Ok(block) = single(&damaged) {
                let _ = block.decode();
            }
        }
    }
}
