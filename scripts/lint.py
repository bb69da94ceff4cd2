#!/usr/bin/env python3
"""What the house style says and a program can check. One line a finding, `file:line: what`; exit 1 if any.

    scripts/lint.py [--build DIR] [CHECK...]      # without names: all checks

It wants a built tree (make lint builds one): for the core's symbols and for the compile commands.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
COLUMNS, FUNCTION_LINES, FILE_LINES = 100, 90, 900

# Arrows point down: what a module may include, besides itself. A module that is not here is a finding.
MAY_INCLUDE = {
    "include": "",
    "core/base": "",
    "core/data": "core/base",
    "core/lang": "core/base core/data",
    "core/model": "core/base core/data",
    "core/stats": "core/base core/data",
    "core/sample": "core/base core/data",
    "core/velocity": "core/base core/data core/lang",
    "core/decide": "core/base core/data core/lang core/velocity core/model",
    "core/learn": "core/base core/data core/model core/stats",
    "shell/os": "core/base",
    "shell/link": "core/base core/data shell/os",
    "shell/source": "core/base core/data core/stats shell/os shell/link",
    "shell/log": "core/base shell/os",
    "shell/personal": "core/base shell/os",
    "shell/control": "core/base core/data shell/os shell/log",
    "shell/settings": "core/base core/data core/lang core/velocity core/stats core/decide core/learn "
    "shell/os",
    "shell/access": "core/base core/data shell/os shell/link shell/settings shell/control shell/log",
    "shell/rules": "core/base core/data core/lang core/decide shell/settings shell/control",
    "shell/registry": "core/base core/data shell/os shell/link",
    "shell/run": "include core/base core/data core/lang core/velocity core/model core/stats core/decide "
    "shell/os shell/link shell/source shell/settings shell/log shell/personal shell/control "
    "shell/rules shell/registry",
    # The store is a projection of the log's records, whose bodies are run's.
    "shell/store": "core/base core/data core/velocity core/decide shell/os shell/link shell/settings shell/log shell/run",
    "shell/audit": "core/base core/data core/decide shell/os shell/link shell/settings shell/log "
    "shell/control shell/run",
    "shell/report": "core/base core/data core/stats shell/source shell/registry",
    "shell/train": "core/base core/data core/lang core/model core/stats core/decide core/learn "
    "shell/os shell/settings shell/source shell/registry shell/run shell/report",
    # Alerts and cases, a fold of the control log and of the records that the store projects; tables by period.
    "shell/watch": "core/base core/data core/lang core/velocity core/model core/stats core/decide "
    "shell/os shell/link shell/settings shell/source shell/log shell/control shell/registry shell/run shell/store "
    "shell/report",
    "shell/stream": "core/base core/data core/lang core/velocity core/decide shell/os shell/link shell/settings "
    "shell/run",
    "shell/serve": "core/base core/data core/lang core/velocity core/model core/stats core/decide "
    "shell/os shell/settings shell/log shell/control shell/personal shell/access shell/rules shell/registry "
    "shell/run shell/store shell/watch shell/audit shell/train",
    "shell/produce": "core/base core/data shell/os shell/link",
    "shell/cmd": "core/base core/data core/lang core/velocity core/model core/stats core/sample "
    "core/decide core/learn shell/os shell/source shell/settings shell/log shell/control shell/access "
    "shell/personal shell/rules shell/registry shell/run shell/store shell/audit shell/report shell/train "
    "shell/stream shell/serve shell/link shell/produce shell/watch",
}

# Of the C library, POSIX, Linux, C++ and the compiler; every other <header> is third-party.
SYSTEM_HEADERS = set(
    """assert.h ctype.h dirent.h endian.h errno.h fcntl.h float.h getopt.h glob.h immintrin.h
    emmintrin.h inttypes.h limits.h locale.h math.h netdb.h netinet/in.h netinet/tcp.h arpa/inet.h
    poll.h pthread.h pwd.h sched.h setjmp.h signal.h spawn.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h
    stdio.h stdlib.h string.h strings.h termios.h time.h unistd.h cpuid.h
    linux/fs.h linux/falloc.h
    sys/auxv.h sys/epoll.h sys/eventfd.h sys/file.h sys/ioctl.h sys/mman.h sys/random.h sys/resource.h
    sys/socket.h sys/stat.h sys/statvfs.h sys/syscall.h sys/time.h sys/types.h sys/uio.h sys/un.h
    sys/utsname.h sys/wait.h sysexits.h
    cmath cstdarg cstddef cstdint cstdio cstdlib cstring limits new string string_view type_traits
    utility""".split()
)

# word -> (why, where it may stand all the same)
BANNED = {
    "strcpy": ("no bound: use snprintf or struct buffer", ()),
    "strcat": ("no bound: use snprintf or struct buffer", ()),
    "stpcpy": ("no bound: use snprintf or struct buffer", ()),
    "sprintf": ("no bound: use snprintf", ()),
    "vsprintf": ("no bound: use vsnprintf", ()),
    "gets": ("no bound", ()),
    "strtok": ("hidden state: use struct text", ()),
    "strncpy": ("may leave no final zero: use snprintf", ()),
    "atoi": ("tells no error: use core/base/number.h", ()),
    "atol": ("tells no error: use core/base/number.h", ()),
    "atof": ("tells no error, knows locales: use core/base/number.h", ()),
    "strtod": ("knows locales: use core/base/number.h", ()),
    "gmtime": ("shared buffer: use core/base/calendar.h", ()),
    "localtime": ("shared buffer, local zone: use core/base/calendar.h", ()),
    "ctime": ("shared buffer, local zone: use core/base/calendar.h", ()),
    "asctime": ("shared buffer: use core/base/calendar.h", ()),
    "mktime": ("local zone: use core/base/calendar.h", ()),
    "rand": ("not reproducible: use core/base/random.h", ()),
    "srand": ("not reproducible: use core/base/random.h", ()),
    "random": ("not reproducible: use core/base/random.h", ()),
    "drand48": ("not reproducible: use core/base/random.h", ()),
    "alloca": ("unbounded stack", ()),
    "system": ("a shell gets the words: use posix_spawn", ()),
    "popen": ("a shell gets the words: use posix_spawn", ()),
    "tmpnam": ("a race: use mkstemp", ()),
    "mktemp": ("a race: use mkstemp", ()),
    "malloc": ("use core/base/memory.h", ("src/core/base/memory.c", "bench/")),
    "calloc": ("use core/base/memory.h", ("src/core/base/memory.c", "bench/")),
    "realloc": ("use core/base/memory.h", ("src/core/base/memory.c", "bench/")),
    "printf": ("library code never prints", ("src/shell/cmd/", "bench/", "examples/")),
    "exit": ("library code never exits", ("src/shell/cmd/", "bench/", "examples/")),
    "_exit": ("library code never exits", ("src/shell/cmd/", "bench/")),
    "abort": ("ASSERT says where", ("src/core/base/panic.c", "bench/")),
}

# May be included by more than one file, for the reason given.
THIRD_PARTY_SHARED = {
    "zlib.h": "crc32 of model files and log records; inflate in source/unpack.c, deflate in "
    "os/gzip.c",
    "zstd.h": "streams in source/unpack.c; blocks in os/zstd_block.c",
    "openssl/evp.h": "SHA-256 in os/digest.c; signatures in os/signature.c; "
    "AES-GCM in personal/cipher.c",
    "sqlite3.h": "the store of decisions in store/sqlite.h; tables of people in link/sqlite.c",
}

# Left out: missing headers of others; values that other files fill through a pointer (gcc and the
# sanitizers know better); addresses of locals in a context that the function outlives; the sign shift
# that gcc defines.
CPPCHECK = ["--enable=warning,performance,portability", "--inline-suppr", "--quiet", "--std=c11"]
CPPCHECK += ["--suppress=" + x for x in """missingIncludeSystem unmatchedSuppression internalAstError
    autoVariables uninitvar legacyUninitvar uninitStructMember shiftTooManyBitsSigned unknownMacro""".split()]


class Tree:
    """Our files, read once."""

    def __init__(self):
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h", "*.cc"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split()
        self.text = {f: (ROOT / f).read_text() for f in sorted(listed) if (ROOT / f).exists()}
        self.code = {f: blank_comments(t) for f, t in self.text.items()}
        self.includes = {f: list(includes(t)) for f, t in self.text.items()}

    def below(self, *folders, ends=(".c", ".h", ".cc")):
        return [f for f in self.text if f.startswith(folders) and f.endswith(ends)]


def blank_comments(text):
    """Comments, strings and characters as spaces; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def includes(text):
    """(line, name, is_system) of each #include."""
    for number, line in enumerate(text.splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
        if m:
            yield number, m.group(1) or m.group(2), m.group(2) is not None


def in_parallel(work, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(work, items):
            yield from found


def module(path):
    parts = path.removeprefix("src/").split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def check_format(tree, build):
    """clang-format would change nothing."""

    def one(f):
        done = subprocess.run(["clang-format", f], cwd=ROOT, capture_output=True, text=True)
        pairs = zip(tree.text[f].splitlines() + [None], done.stdout.splitlines() + [None])
        line = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), None)
        if done.returncode != 0:
            return [f"{f}:1: clang-format: {done.stderr.strip()}"]
        return [f"{f}:{line}: not as clang-format has it; hint: make format"] if line else []

    # The golden values are written by their scripts.
    yield from in_parallel(one, [f for f in tree.text if not f.startswith("tests/golden/")])


def check_size(tree, build):
    """Lines of 100 columns, functions of 90 lines, files of 900."""
    for f, text in tree.text.items():
        if f.startswith("tests/golden/"):
            continue
        lines = text.splitlines()
        if len(lines) > FILE_LINES:
            yield f"{f}:{FILE_LINES + 1}: file of {len(lines)} lines, at most {FILE_LINES}"
        for n, line in enumerate(lines, 1):
            if len(line) > COLUMNS and '"' not in line:  # a string is not broken: it stays greppable
                yield f"{f}:{n}: line of {len(line)} columns, at most {COLUMNS}"
            if "\t" in line or line != line.rstrip():
                yield f"{f}:{n}: tab or white space at the end"
        for name, start, length in functions(tree.code[f]):
            if length > FUNCTION_LINES and not f.startswith("tests/"):  # there, tables of cases
                yield f"{f}:{start}: {name}: function of {length} lines, at most {FUNCTION_LINES}"


def functions(code):
    """(name, line, lines) of each function body: by our format, its braces stand in column 0 and the
    line before the opening one ends a parameter list."""
    lines, opened = code.splitlines(), []
    for n, line in enumerate(lines):
        if line.startswith("{"):
            head = "\n".join(lines[max(0, n - 12) : n])
            head = re.split(r"[;}]|\n\s*\n|^#.*$", head, flags=re.M)[-1].strip()
            name = re.search(r"(\w+)\s*\(", head)
            opened.append((name.group(1) if name and head.endswith(")") else None, n))
        elif line.startswith("}") and opened:
            name, start = opened.pop()
            if name:
                yield name, start + 1, n - start + 1


def check_layers(tree, build):
    """Arrows point down, along MAY_INCLUDE only."""
    allowed = {m: set(v.split()) | {m} for m, v in MAY_INCLUDE.items()}
    for m, below in allowed.items():
        for b in below - {m}:
            if m in allowed[b]:
                yield f"scripts/lint.py:1: MAY_INCLUDE: {m} and {b} may include each other"
    for f in tree.below("src/"):
        mine = module(f)
        if mine not in allowed:
            yield f"{f}:1: module {mine} has no row in MAY_INCLUDE (scripts/lint.py)"
            continue
        for line, name, is_system in tree.includes[f]:
            if not is_system and module(name) not in allowed[mine]:
                yield f"{f}:{line}: {mine} must not include {name}"


def check_includes(tree, build):
    """Own header first; no header cycles; quoted names exist and start below src/."""
    known = {f.removeprefix("src/") for f in tree.text} | {f for f in tree.text if not f.startswith("src/")}
    known |= {f.removeprefix("include/") for f in tree.text}
    known |= {str(f.relative_to("src")) for f in pathlib.Path("src").rglob("*.inc")}
    for f in tree.text:
        own = re.sub(r"\.(c|cc)$", ".h", f).removeprefix("src/")
        found = tree.includes[f]
        if f.startswith("src/") and f != "src/" + own and own in known and (
            not found or found[0][1] != own
        ):
            yield f"{f}:{found[0][0] if found else 1}: {own} is not included first"
        seen = collections.Counter(name for _, name, _ in found)
        for line, name, is_system in found:
            if not is_system and name not in known:
                yield f'{f}:{line}: "{name}": no such file below src/, include/ or the root'
            if seen[name] > 1 and not name.endswith(".inc"):  # rows of a table, included on purpose
                seen[name] = 0
                yield f"{f}:{line}: {name} is included twice"
    edges = {
        f.removeprefix("src/"): [n for _, n, is_system in tree.includes[f] if not is_system]
        for f in tree.below("src/", "tests/", ends=(".h",))
    }
    yield from (f"src/{cycle[0]}:1: header cycle: {' -> '.join(cycle)}" for cycle in cycles(edges))


def cycles(edges):
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for to in edges.get(node, ()):
            if state.get(to) == "open":
                yield path[path.index(to) :] + [to]
            elif to not in state:
                yield from visit(to)
        path.pop()
        state[node] = "done"

    for node in edges:
        if node not in state:
            yield from visit(node)


def check_headers(tree, build):
    """Each header compiles alone, and has a guard of its own."""
    guards = collections.defaultdict(list)
    for f in tree.below("src/", "include/", ends=(".h",)):
        m = re.search(r"#ifndef (\w+)\n#define \1\n", tree.text[f])
        if not m:
            yield f"{f}:1: no include guard"
        else:
            guards[m.group(1)].append(f)
    for name, files in guards.items():
        for f in files[1:]:
            yield f"{f}:1: guard {name} is also that of {files[0]}"

    def one(f):
        done = subprocess.run(
            ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter",
             "-Wno-missing-field-initializers", "-Wno-sign-compare", "-Isrc", "-I.", "-Iinclude",
             "-fsyntax-only", "-x", "c", "-include", f, "/dev/null"],
            cwd=ROOT, capture_output=True, text=True,
        )
        first = next((x for x in done.stderr.splitlines() if "error:" in x or "warning:" in x), None)
        return [f"{f}:1: does not compile alone: {first}"] if first else []

    yield from in_parallel(one, tree.below("src/", "include/", ends=(".h",)))


def check_third_party(tree, build):
    """A third-party header is included by one file."""
    users = collections.defaultdict(list)
    for f in tree.below("src/", "include/"):
        for line, name, is_system in tree.includes[f]:
            if is_system and name not in SYSTEM_HEADERS:
                users[name].append(f"{f}:{line}")
    for name, places in sorted(users.items()):
        for place in places[1:] if name not in THIRD_PARTY_SHARED else ():
            yield f"{place}: <{name}> is included by {places[0].split(':')[0]} already"


def check_banned(tree, build):
    """Functions that have a better one in this house."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for f in tree.below("src/", "include/", "bench/", "examples/"):
        for n, line in enumerate(tree.code[f].splitlines(), 1):
            for m in pattern.finditer(line):
                why, where = BANNED[m.group(1)]
                if not f.startswith(where or ("\0",)):
                    yield f"{f}:{n}: {m.group(1)}: {why}"


def check_words(tree, build):
    """Nothing half-done stands in the tree."""
    for f, text in tree.text.items():
        for n, line in enumerate(text.splitlines(), 1):
            m = re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)
            if m:
                yield f"{f}:{n}: {m.group(1)}: do it, or say in ARCHITECTURE.md what is absent"


def check_core_symbols(tree, build):
    """What the core leaves undefined is on scripts/core-symbols.txt: it stays pure."""
    listed = {}
    for n, line in enumerate((ROOT / "scripts/core-symbols.txt").read_text().splitlines(), 1):
        for word in line.split("#")[0].split():
            listed[word] = n
    archive = build / "src/core/libassay-core.a"
    if not archive.exists():
        yield f"{archive}:1: not there: build first"
        return
    done = subprocess.run(["nm", "-P", archive], capture_output=True, text=True, cwd=ROOT)
    member, defined, wanted = "?", set(), {}
    for line in done.stdout.splitlines():
        words = line.split()
        if line.endswith("]:"):
            member = line[line.rindex("[") + 1 : -2].split("/")[-1].removesuffix(".o")
        elif len(words) >= 2 and words[1] in "Uw":
            wanted.setdefault(words[0], member)
        elif len(words) >= 2:
            defined.add(words[0])
    used = {s for s in wanted if s not in defined}
    folders = {f.removeprefix("src/core/").replace("/", "_"): f for f in tree.below("src/core/")}
    for symbol in sorted(used - matching(listed, used)):
        f = folders.get(wanted[symbol], wanted[symbol])
        yield f"{f}:1: the core calls {symbol}, which is not in scripts/core-symbols.txt"
    for word, n in listed.items():
        if not matching([word], used):
            yield f"scripts/core-symbols.txt:{n}: {word}: nothing in the core calls it"


def matching(patterns, symbols):
    exact = set(patterns)
    begin = tuple(p[:-1] for p in patterns if p.endswith("*"))
    return {s for s in symbols if s in exact or (begin and s.startswith(begin))}


def check_cppcheck(tree, build):
    """cppcheck has no finding."""
    cache = build / "cppcheck"
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["cppcheck", f"-j{os.cpu_count()}", f"--cppcheck-build-dir={cache}", *CPPCHECK,
         "--template={file}:{line}: cppcheck {id}: {message}", "-D_GNU_SOURCE", "-Isrc", "-Iinclude",
         *tree.below("src/", "bench/", ends=(".c",))],
        cwd=ROOT, capture_output=True, text=True,
    )
    yield from (x for x in done.stderr.splitlines() if re.match(r"[^ ]+:\d+: ", x))


def check_clang_tidy(tree, build):
    """clang-tidy has no finding (.clang-tidy says what it looks for)."""

    def one(files):
        done = subprocess.run(
            ["clang-tidy", "-p", build, "--quiet", *files], cwd=ROOT, capture_output=True, text=True
        )
        found = re.findall(r"^(\S+?:\d+):\d+: (?:warning|error): (.*)$", done.stdout, flags=re.M)
        return [f"{os.path.relpath(place, ROOT)}: {words}" for place, words in found]

    files = tree.below("src/", ends=(".c",))
    yield from dict.fromkeys(in_parallel(one, [files[i : i + 8] for i in range(0, len(files), 8)]))


CHECKS = {n.removeprefix("check_"): f for n, f in list(globals().items()) if n.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="the built tree (build)")
    parser.add_argument("check", nargs="*", help=", ".join(CHECKS))
    options = parser.parse_args()
    tree, total = Tree(), 0
    for name in options.check or CHECKS:
        if name not in CHECKS:
            parser.error(f"no check {name}; there are: {', '.join(CHECKS)}")
        start = time.monotonic()
        findings = list(CHECKS[name](tree, ROOT / options.build))
        total += len(findings)
        for line in findings:
            print(line)
        print(f"lint: {name}: {len(findings)} ({time.monotonic() - start:.1f} s)", file=sys.stderr)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
