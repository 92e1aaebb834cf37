//! What the checks read from Rust source: functions with their lengths, macro calls, paths into `std`.
//!
//! It reads tokens and not a syntax tree, because tokens are also what is inside of macros: a test written in
//! `proptest!` is as long as it looks, and a `println!` inside of `select!` prints.

use std::str::FromStr;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// What was found in one source file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every function with a body, nested ones too.
    pub(crate) functions: Vec<Function>,
    /// The names of macros that are called.
    pub(crate) macros: Vec<Name>,
    /// The modules of `std` that are used, such as `fs`.
    pub(crate) std_modules: Vec<Name>,
}

/// A function and its length.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: Name,
    /// From the line with `fn` to the line with the closing brace.
    pub(crate) lines: usize,
}

/// A name and the line that it stands on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Reads a source file; the error is the line where its tokens end to make sense.
pub(crate) fn read(source: &str) -> Result<Found, usize> {
    let stream = TokenStream::from_str(source).map_err(|error| line(error.span()))?;
    let mut found = Found::default();
    found.read(stream);
    Ok(found)
}

impl Found {
    fn read(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for start in 0..tokens.len() {
            let rest = &tokens[start..];
            self.functions.extend(function(rest));
            self.macros.extend(macro_call(rest));
            self.std_modules.extend(std_modules(rest));
        }
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.read(group.stream());
            }
        }
    }
}

/// `fn name … { … }`. A declaration without a body ends at its semicolon before any brace.
fn function(tokens: &[TokenTree]) -> Option<Function> {
    let [TokenTree::Ident(keyword), TokenTree::Ident(name), rest @ ..] = tokens else {
        return None;
    };
    if keyword != "fn" {
        return None;
    }
    for token in rest {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return None,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                let lines = line(body.span_close()) - line(keyword.span()) + 1;
                return Some(Function {
                    name: named(name),
                    lines,
                });
            }
            _ => {}
        }
    }
    None
}

/// `name ! ( … )`, with any kind of bracket, but not `a != (b)`.
fn macro_call(tokens: &[TokenTree]) -> Option<Name> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_), ..] if bang.as_char() == '!' => {
            Some(named(name))
        }
        _ => None,
    }
}

/// `std :: module` and `std :: { module, … }`.
fn std_modules(tokens: &[TokenTree]) -> Vec<Name> {
    let [
        TokenTree::Ident(root),
        TokenTree::Punct(a),
        TokenTree::Punct(b),
        next,
        ..,
    ] = tokens
    else {
        return Vec::new();
    };
    if root != "std" || a.as_char() != ':' || b.as_char() != ':' {
        return Vec::new();
    }
    match next {
        TokenTree::Ident(module) => vec![named(module)],
        TokenTree::Group(list) => first_of_each(list.stream()),
        _ => Vec::new(),
    }
}

/// The first names between the commas of a list of imports.
fn first_of_each(list: TokenStream) -> Vec<Name> {
    let mut names = Vec::new();
    let mut starts = true;
    for token in list {
        match &token {
            TokenTree::Ident(name) if starts => names.push(named(name)),
            _ => {}
        }
        starts = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
    }
    names
}

fn named(ident: &proc_macro2::Ident) -> Name {
    Name {
        text: ident.to_string(),
        line: line(ident.span()),
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

#[cfg(test)]
mod tests {
    use super::read;

    fn functions(source: &str) -> Vec<(String, usize, usize)> {
        let found = read(source).unwrap();
        let functions = found.functions.into_iter();
        functions.map(|f| (f.name.text, f.name.line, f.lines)).collect()
    }

    #[test]
    fn a_function_is_as_long_as_from_its_name_to_its_brace() {
        let source = "/// Doc.\nfn a(\n    x: u8,\n) -> u8 {\n    x\n}\nfn b() {}\n";
        let expected = [("a".to_owned(), 2, 5), ("b".to_owned(), 7, 1)];
        assert_eq!(functions(source), expected);
    }

    #[test]
    fn functions_in_impls_and_macros_and_functions_are_found() {
        let source = "impl A { fn in_impl() { fn nested() {} } }\nproptest! { fn in_macro(x in 0..3) {\n} }";
        let mut names: Vec<_> = functions(source).into_iter().map(|f| f.0).collect();
        names.sort();
        assert_eq!(names, ["in_impl", "in_macro", "nested"]);
    }

    #[test]
    fn what_has_no_body_is_no_function() {
        let source = "trait T { fn a(&self); }\ntype F = fn(u8) -> u8;\nstruct S { f: fn() }";
        assert!(functions(source).is_empty());
    }

    #[test]
    fn macros_are_found_by_name_and_not_in_text() {
        let source = "// println!(1)\n/// print!(2)\nfn f() { g(\"println!(3)\");\n select! { _ => println!(\"x\") } }\nfn h() { a != (b) }";
        let macros = read(source).unwrap().macros;
        let mut names: Vec<_> = macros.into_iter().map(|name| (name.text, name.line)).collect();
        names.sort();
        assert_eq!(names, [("println".to_owned(), 4), ("select".to_owned(), 4)]);
    }

    #[test]
    fn modules_of_std_are_found_in_paths_and_in_lists() {
        let source =
            "use std::{fmt, fs::File, io};\nfn f() { std::env::args(); ::std::net::x() }\nmod my { use super::fs; }";
        let modules = read(source).unwrap().std_modules;
        let mut names: Vec<_> = modules.into_iter().map(|name| name.text).collect();
        names.sort();
        assert_eq!(names, ["env", "fmt", "fs", "io", "net"]);
    }

    #[test]
    fn what_is_not_rust_has_a_line() {
        assert_eq!(read("fn a() {\n} }").unwrap_err(), 2);
    }
}
