//! Splits TypeScript and Rust into words, strings and punctuation. Comments are dropped, so that no import is found in
//! them.

/// A token of source code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// A string literal without its quotes, or the fixed parts of a template literal.
    Text(String),
    /// Any other character.
    Mark(char),
}

impl Token {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub fn is_mark(&self, mark: char) -> bool {
        matches!(self, Self::Mark(own) if *own == mark)
    }
}

/// Returns the code on one line, without comments and strings: `committer\n  .record(` becomes `committer.record(`.
pub fn squeezed(tokens: &[Token]) -> String {
    let mut code = String::new();
    for token in tokens {
        match token {
            Token::Word(word) => {
                if code.ends_with(is_word_part) {
                    code.push(' ');
                }
                code.push_str(word);
            }
            Token::Text(_) => code.push_str("''"),
            Token::Mark(mark) => code.push(*mark),
        }
    }
    code
}

pub fn of_typescript(text: &str) -> Vec<Token> {
    let mut reader = Reader::new(text);
    reader.typescript(None);
    reader.tokens
}

pub fn of_rust(text: &str) -> Vec<Token> {
    let mut reader = Reader::new(text);
    reader.rust();
    reader.tokens
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self { rest: text.chars().collect(), at: 0, tokens: Vec::new() }
    }

    fn peek(&self, ahead: usize) -> char {
        self.rest.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn is_over(&self) -> bool {
        self.at >= self.rest.len()
    }

    /// Reads up to the end, or to the brace that closes a template's `${`.
    fn typescript(&mut self, until: Option<char>) {
        let mut depth = 0_usize;
        while !self.is_over() {
            let next = self.peek(0);
            match next {
                '/' if self.peek(1) == '/' => self.line_comment(),
                '/' if self.peek(1) == '*' => self.block_comment(false),
                '/' if self.is_regular_expression() => self.regular_expression(),
                '\'' | '"' => self.string(next),
                '`' => self.template(),
                _ if is_word_part(next) => self.word(),
                _ => {
                    if Some(next) == until && depth == 0 {
                        return;
                    }
                    depth = match next {
                        '{' => depth + 1,
                        '}' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    self.mark();
                }
            }
        }
    }

    fn rust(&mut self) {
        while !self.is_over() {
            let next = self.peek(0);
            match next {
                '/' if self.peek(1) == '/' => self.line_comment(),
                '/' if self.peek(1) == '*' => self.block_comment(true),
                '"' => self.string('"'),
                'r' if matches!(self.peek(1), '"' | '#') => self.raw_string(1),
                'b' if self.peek(1) == 'r' && matches!(self.peek(2), '"' | '#') => self.raw_string(2),
                '\'' => self.character_or_lifetime(),
                _ if is_word_part(next) => self.word(),
                _ => self.mark(),
            }
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while is_word_part(self.peek(0)) {
            self.at += 1;
        }
        self.tokens.push(Token::Word(self.rest[start..self.at].iter().collect()));
    }

    fn mark(&mut self) {
        let next = self.peek(0);
        if !next.is_whitespace() {
            self.tokens.push(Token::Mark(next));
        }
        self.at += 1;
    }

    fn line_comment(&mut self) {
        while !self.is_over() && self.peek(0) != '\n' {
            self.at += 1;
        }
    }

    fn block_comment(&mut self, nests: bool) {
        let mut depth = 0_usize;
        while !self.is_over() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') if nests || depth == 0 => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self, quote: char) {
        self.at += 1;
        let mut text = String::new();
        while !self.is_over() && self.peek(0) != quote {
            if self.peek(0) == '\\' {
                self.at += 1;
            }
            text.push(self.peek(0));
            self.at += 1;
        }
        self.at += 1;
        self.tokens.push(Token::Text(text));
    }

    fn template(&mut self) {
        self.at += 1;
        let mut text = String::new();
        while !self.is_over() && self.peek(0) != '`' {
            match (self.peek(0), self.peek(1)) {
                ('$', '{') => {
                    self.at += 2;
                    self.typescript(Some('}'));
                }
                ('\\', escaped) => {
                    text.push(escaped);
                    self.at += 1;
                }
                (other, _) => text.push(other),
            }
            self.at += 1;
        }
        self.at += 1;
        self.tokens.push(Token::Text(text));
    }

    /// Distinguishes a regular expression from a division: a slash after a value divides.
    fn is_regular_expression(&self) -> bool {
        match self.tokens.last() {
            Some(Token::Word(word)) => {
                matches!(word.as_str(), "return" | "typeof" | "case" | "in" | "of" | "void" | "await")
            }
            Some(Token::Text(_)) => false,
            Some(Token::Mark(mark)) => !matches!(mark, ')' | ']' | '}'),
            None => true,
        }
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while !self.is_over() && (in_class || self.peek(0) != '/') {
            match self.peek(0) {
                '\\' => self.at += 1,
                '[' => in_class = true,
                ']' => in_class = false,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        self.tokens.push(Token::Text(String::new()));
    }

    /// Reads `r"…"` or `r#"…"#`; a raw identifier (`r#type`) is a word.
    fn raw_string(&mut self, prefix: usize) {
        let mut hashes = 0;
        while self.peek(prefix + hashes) == '#' {
            hashes += 1;
        }
        if self.peek(prefix + hashes) != '"' {
            self.at += prefix + hashes;
            return self.word();
        }
        self.at += prefix + hashes + 1;
        let start = self.at;
        let is_end = |reader: &Self| reader.peek(0) == '"' && (1..=hashes).all(|ahead| reader.peek(ahead) == '#');
        while !self.is_over() && !is_end(self) {
            self.at += 1;
        }
        let text = self.rest.get(start..self.at).unwrap_or_default().iter().collect();
        self.at += hashes + 1;
        self.tokens.push(Token::Text(text));
    }

    fn character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' || self.peek(2) == '\'' {
            return self.string('\'');
        }
        self.at += 1;
    }
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

#[test]
fn a_comment_a_string_and_an_expression_are_not_code() {
    let code = "a /* b */ `c ${d(`e ${{ f: 1 }}`)} g` // h\n.i('j // k') = /[/'\"]l\\//.m / n";
    assert_eq!(squeezed(&of_typescript(code)), "a d({f:1}'')''.i('')=''.m/n");
    let code = "a /* b /* c */ d */ 'e' \"f \\\" g\" r#\"h \" i\"# &'j k '\\'' b'l' r#type";
    assert_eq!(squeezed(&of_rust(code)), "a''''''&j k''b''type");
}
