//! Which captured variables a function assigns, and where: read from its compiled form, that of Lua 5.4.
//!
//! The form is Lua's own and written by the very Lua that is linked in, so it is not checked as a file from
//! elsewhere would be; what does not fit ends the reading without a result.

/// An assignment to a captured variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The variable's index among the function's, from 0.
    pub(super) upvalue: usize,
    pub(super) line: u32,
}

const HEADER: &[u8] = b"\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
/// The integer and the number that follow the header, and the count of captured variables.
const PREAMBLE: usize = 8 + 8 + 1;
const SETUPVAL: u32 = 10;
/// Where the line of an instruction is not a step from that of the last.
const ABSOLUTE_LINE: i8 = -0x80;

/// The assignments to captured variables in a dumped function and in those within it, in terms of the outer
/// one's variables.
pub(super) fn assignments(dump: &[u8]) -> Option<Vec<Assignment>> {
    let mut reader = Reader(dump.strip_prefix(HEADER)?);
    reader.bytes(PREAMBLE)?;
    Some(function(&mut reader)?.assignments)
}

struct Function {
    assignments: Vec<Assignment>,
    upvalues: Vec<Captured>,
}

#[derive(Clone, Copy)]
enum Captured {
    /// A variable of the enclosing function itself.
    Local,
    /// The enclosing function's captured variable of that index.
    Upvalue(usize),
}

fn function(reader: &mut Reader<'_>) -> Option<Function> {
    reader.string()?;
    let first_line = reader.number()?;
    reader.number()?;
    reader.bytes(3)?;
    let code = reader.sized(4)?;
    constants(reader)?;
    let upvalues = captured(reader)?;
    let inner = (0..reader.number()?).map(|_| function(reader)).collect::<Option<Vec<Function>>>()?;
    let lines = lines(reader, first_line)?;
    debug_names(reader)?;
    let own = code.chunks_exact(4).zip(&lines).filter_map(|(instruction, &line)| {
        let instruction = u32::from_le_bytes(instruction.try_into().ok()?);
        let is_assignment = instruction & 0x7f == SETUPVAL;
        is_assignment.then_some(Assignment { upvalue: (instruction >> 16 & 0xff) as usize, line })
    });
    let inherited = inner.iter().flat_map(|function| {
        function.assignments.iter().filter_map(|assignment| {
            match function.upvalues.get(assignment.upvalue)? {
                Captured::Local => None,
                Captured::Upvalue(upvalue) => Some(Assignment { upvalue: *upvalue, line: assignment.line }),
            }
        })
    });
    let assignments = own.chain(inherited).collect();
    Some(Function { assignments, upvalues })
}

fn constants(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..reader.number()? {
        match reader.byte()? {
            // nil, false, true
            0 | 1 | 17 => {}
            // integers and floats
            3 | 19 => {
                reader.bytes(8)?;
            }
            // short and long strings
            4 | 20 => reader.string()?,
            _ => return None,
        }
    }
    Some(())
}

fn captured(reader: &mut Reader<'_>) -> Option<Vec<Captured>> {
    let descriptions = reader.sized(3)?;
    let captured = descriptions.chunks_exact(3).map(|description| match description[0] {
        0 => Captured::Upvalue(usize::from(description[1])),
        _ => Captured::Local,
    });
    Some(captured.collect())
}

/// The line of each instruction.
fn lines(reader: &mut Reader<'_>, first: usize) -> Option<Vec<u32>> {
    let steps = reader.sized(1)?;
    let absolute = (0..reader.number()?)
        .map(|_| Some((reader.number()?, reader.number()?)))
        .collect::<Option<Vec<(usize, usize)>>>()?;
    let mut line = i64::try_from(first).ok()?;
    let mut lines = Vec::with_capacity(steps.len());
    for (at, &step) in steps.iter().enumerate() {
        match i8::from_le_bytes([step]) {
            ABSOLUTE_LINE => {
                let known = absolute.iter().find(|(instruction, _)| *instruction == at)?;
                line = i64::try_from(known.1).ok()?;
            }
            step => line += i64::from(step),
        }
        lines.push(u32::try_from(line).ok()?);
    }
    Some(lines)
}

fn debug_names(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..reader.number()? {
        reader.string()?;
        reader.number()?;
        reader.number()?;
    }
    for _ in 0..reader.number()? {
        reader.string()?;
    }
    Some(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    /// Seven bits a byte, the highest first; the last byte has its high bit set.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        loop {
            let byte = self.byte()?;
            number = number.checked_mul(128)? | usize::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                return Some(number);
            }
        }
    }

    /// A count and as many elements of that size.
    fn sized(&mut self, element: usize) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.bytes(count.checked_mul(element)?)
    }

    fn string(&mut self) -> Option<()> {
        if let Some(length) = self.number()?.checked_sub(1) {
            self.bytes(length)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use mlua::{Function, Lua};

    use super::*;

    fn assignments_of(source: &str) -> Vec<(usize, u32)> {
        let lua = Lua::new();
        let function: Function = lua.load(source).eval().unwrap();
        let assignments = assignments(&function.dump(false)).expect("a form we know");
        assignments.iter().map(|assignment| (assignment.upvalue, assignment.line)).collect()
    }

    #[test]
    fn an_assignment_to_a_captured_local_is_found_with_its_line() {
        assert_eq!(
            assignments_of("local a, b = 1, 2\nreturn function()\n  local c = a\n  b = c\nend"),
            [(1, 4)]
        );
    }

    #[test]
    fn reading_is_no_assignment() {
        assert_eq!(assignments_of("local a = {}\nreturn function() a.x = 1 a[1] = a.x return a end"), []);
    }

    #[test]
    fn an_assignment_in_an_inner_function_counts_for_the_outer_one() {
        let source = "local a = 1\nreturn function()\n  return function()\n    return function() a = 2 end\n  end\nend";
        assert_eq!(assignments_of(source), [(0, 4)]);
    }

    #[test]
    fn an_inner_functions_own_variables_do_not_count() {
        assert_eq!(
            assignments_of("return function() local n = 0 return function() n = n + 1 return n end end"),
            []
        );
    }

    #[test]
    fn lines_hold_in_long_functions_with_all_kinds_of_constants() {
        let filler = "local x = 1.5 local y = 'text' local z = 123456789 local w = ('l'):rep(50)\n";
        let blanks = "\n".repeat(300);
        let source = format!(
            "local a\nreturn function()\n{}{blanks}a = {:?}\nend",
            format!("do {filler} end ").repeat(200),
            "l".repeat(60)
        );
        assert_eq!(assignments_of(&source), [(0, 3 + 200 + 300)]);
    }

    #[test]
    fn what_is_not_a_dump_has_no_assignments() {
        assert_eq!(assignments(b"\x1bLua\x53"), None);
        assert_eq!(assignments(b""), None);
    }
}
