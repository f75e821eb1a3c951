//! What the scanner knows of each language.

pub(super) struct Language {
    /// What a fence calls it.
    names: &'static [&'static str],
    /// What begins a comment to the end of the line.
    pub lines: &'static [&'static str],
    /// What begins and ends a longer one.
    pub blocks: &'static [(&'static str, &'static str)],
    /// What begins and ends a string, the longest first, and whether it goes on over lines.
    pub quotes: &'static [(&'static str, bool)],
    /// With one space between them; in lower case where `any_case`.
    pub keywords: &'static str,
    pub any_case: bool,
    /// What stands behind a key; in these languages functions are no names.
    pub keys: Option<u8>,
    /// Whether `-` is a part of words.
    pub dashes: bool,
    /// Whether `@word` is a keyword.
    pub at_words: bool,
    /// Whether an apostrophe may stand alone, as in Rust.
    pub lifetimes: bool,
}

const SLASHES: &[&str] = &["//"];
const HASH: &[&str] = &["#"];
const STARS: &[(&str, &str)] = &[("/*", "*/")];
const QUOTES: &[(&str, bool)] = &[("\"", false), ("'", false)];

/// A language with C's comments and strings.
const LIKE_C: Language = Language {
    names: &[],
    lines: SLASHES,
    blocks: STARS,
    quotes: QUOTES,
    keywords: "",
    any_case: false,
    keys: None,
    dashes: false,
    at_words: false,
    lifetimes: false,
};

const LANGUAGES: &[Language] = &[
    Language {
        names: &["rust", "rs"],
        quotes: &[("\"", true), ("'", false)],
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type union unsafe use where while bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize String Vec Option Result Some None Ok Err Box",
        lifetimes: true,
        ..LIKE_C
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "cjs", "typescript", "ts", "tsx"],
        quotes: &[("\"", false), ("'", false), ("`", true)],
        keywords: "abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in instanceof interface keyof let namespace never new null number of private protected public readonly return satisfies set static string super switch this throw true try type typeof undefined unknown var void while with yield",
        at_words: true,
        ..LIKE_C
    },
    Language {
        names: &["python", "py", "python3"],
        lines: HASH,
        blocks: &[],
        quotes: &[("\"\"\"", true), ("'''", true), ("\"", false), ("'", false)],
        keywords: "False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return self try while with yield bool bytes dict float int list set str tuple",
        at_words: true,
        ..LIKE_C
    },
    Language {
        names: &["go", "golang"],
        quotes: &[("\"", false), ("'", false), ("`", true)],
        keywords: "break case chan const continue default defer else fallthrough false for func go goto if import interface iota map nil package range return select struct switch true type var any bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64",
        ..LIKE_C
    },
    Language {
        names: &["java", "kotlin", "kt", "scala", "groovy"],
        quotes: &[("\"\"\"", true), ("\"", false), ("'", false)],
        keywords: "abstract as assert boolean break byte case catch char class companion const continue data def default do double else enum extends false final finally float for fun given if implements import in instanceof int interface internal is lateinit lazy long match new null object open override package private protected public record return sealed short static super suspend switch this throw throws trait true try type val var void volatile when while with yield",
        at_words: true,
        ..LIKE_C
    },
    Language {
        names: &["c", "h", "cpp", "c++", "cc", "hpp", "cs", "csharp", "c#", "objc", "swift", "dart", "zig"],
        quotes: &[("\"\"\"", true), ("\"", false), ("'", false)],
        keywords: "abstract actor alignas any as async auto await base bool break byte case catch char class const constexpr continue decimal default defer delegate delete do double else enum event explicit export extension extern false final finally float fn for foreach friend func get goto guard if implements import in inline int interface internal is let lock long mut namespace new nil noexcept null nullptr object operator out override private protected protocol pub public readonly record ref return sealed self set short signed sizeof static string struct super switch template this throw throws true try typedef typename typeof uint union unsigned using var virtual void volatile when where while yield",
        at_words: true,
        ..LIKE_C
    },
    Language {
        names: &["php"],
        lines: &["//", "#"],
        keywords: "abstract and array as break case catch class clone const continue declare default do echo else elseif empty enum extends false final finally fn for foreach function global if implements include instanceof interface isset match namespace new null or private protected public readonly require require_once return static switch this throw trait true try use var while yield int string bool float void",
        ..LIKE_C
    },
    Language {
        names: &["ruby", "rb"],
        lines: HASH,
        blocks: &[("=begin", "=end")],
        keywords: "alias and attr_accessor attr_reader begin break case class def defined do else elsif end ensure extend false for if in include loop module next nil not or private protected public raise redo require rescue retry return self super then true undef unless until when while yield",
        ..LIKE_C
    },
    Language {
        names: &["bash", "sh", "shell", "zsh", "console", "fish", "dockerfile", "docker", "makefile", "make"],
        lines: HASH,
        blocks: &[],
        quotes: &[("\"", true), ("'", true)],
        keywords: "alias break case cd continue declare do done echo elif else esac eval exec exit export fi for function if in local read readonly return set shift source then trap unset until while FROM RUN CMD COPY ADD ENV ARG WORKDIR EXPOSE ENTRYPOINT USER VOLUME LABEL",
        dashes: true,
        ..LIKE_C
    },
    Language {
        names: &["sql", "postgres", "postgresql", "mysql", "sqlite", "plpgsql"],
        lines: &["--"],
        keywords: "add all alter and as asc begin between bigint boolean by cascade case cast check column commit constraint create cross default delete desc distinct drop else end exists false foreign from full function grant group having if in index inner insert int integer into is join key left like limit not null numeric offset on or order outer over partition primary references returning returns revoke right rollback row select set table text then timestamp timestamptz true union unique update using uuid values varchar view when where window with",
        any_case: true,
        ..LIKE_C
    },
    Language {
        names: &["lua"],
        lines: &["--"],
        blocks: &[("--[[", "]]")],
        quotes: &[("\"", false), ("'", false)],
        keywords: "and break do else elseif end false for function goto if in local nil not or repeat return then true until while",
        ..LIKE_C
    },
    Language { names: &["json", "jsonc", "json5", "jsonl"], keywords: "false null true", keys: Some(b':'), ..LIKE_C },
    Language {
        names: &["yaml", "yml"],
        lines: HASH,
        blocks: &[],
        keywords: "false no null off on true yes",
        keys: Some(b':'),
        dashes: true,
        ..LIKE_C
    },
    Language {
        names: &["toml", "ini", "conf", "env", "properties", "hcl", "terraform", "tf"],
        lines: &["#", ";"],
        blocks: &[],
        quotes: &[("\"\"\"", true), ("'''", true), ("\"", false), ("'", false)],
        keywords: "false null true",
        keys: Some(b'='),
        dashes: true,
        ..LIKE_C
    },
    Language {
        names: &["css", "scss", "sass", "less"],
        keywords: "important",
        keys: Some(b':'),
        dashes: true,
        at_words: true,
        ..LIKE_C
    },
    Language {
        names: &["graphql", "gql", "proto", "protobuf", "prisma", "solidity", "sol"],
        lines: &["//", "#"],
        keywords: "address bool bytes contract enum event extend false fragment function implements import input interface int32 int64 mapping message model mutation null on oneof option optional package private public pure query repeated required returns rpc scalar schema service string struct subscription syntax true type uint256 union view",
        at_words: true,
        ..LIKE_C
    },
];

pub(super) fn find(name: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.names.contains(&name))
}
