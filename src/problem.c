#include "problem.h"

static const char *const texts[SOCKQ_REASONS] = {
    [SOCKQ_OK] = "nothing is wrong",
    [SOCKQ_BAD_COLUMNS] = "too few columns",
    [SOCKQ_BAD_SLOT] = "the first column is no decimal number with a colon",
    [SOCKQ_BAD_ADDRESS] = "an address is not of this table's family and length",
    [SOCKQ_BAD_PORT] = "a port is not four hexadecimal digits after a colon",
    [SOCKQ_BAD_STATE] = "the state is not one or two hexadecimal digits",
    [SOCKQ_BAD_QUEUE] = "tx_queue:rx_queue is not a pair of 32-bit hexadecimal numbers",
    [SOCKQ_BAD_TIMER] = "tr:tm->when is not a pair of hexadecimal numbers",
    [SOCKQ_BAD_RETRANS] = "retrnsmt is not a 32-bit hexadecimal number",
    [SOCKQ_BAD_UID] = "the uid is not a 32-bit decimal number",
    [SOCKQ_BAD_TIMEOUT] = "timeout is not a 32-bit decimal number",
    [SOCKQ_BAD_INODE] = "the inode is not a 64-bit decimal number",
    [SOCKQ_BAD_REFS] = "the reference count is not a 32-bit decimal number",
    [SOCKQ_BAD_TAIL] = "a column after the pointer is not a 32-bit decimal number",
    [SOCKQ_BAD_TWO_ROWS] = "two rows stand on one line",
    [SOCKQ_BAD_NUL] = "a NUL or another control byte stands in the line",
    [SOCKQ_BAD_NUMBER] = "a column is not a number of its kind",
    [SOCKQ_BAD_CONTINUATION] = "not a row, and no named row before it that it could continue",
    [SOCKQ_BAD_SEPARATOR] = "the mark between or after the addresses is missing",
    [SOCKQ_BAD_TRUNCATED] = "the last line is cut off: it has no line feed",
    [SOCKQ_BAD_LENGTH] = "the line is longer than any row",
    [SOCKQ_BAD_EMPTY_LINE] = "the line is empty",
    [SOCKQ_BAD_SECOND_HEADER] = "a second header stands among the rows",
    [SOCKQ_BAD_NO_HEADER] = "the first line is a row, the header is missing",
    [SOCKQ_BAD_FIRST_LINE] = "the first line is neither a header nor a row",
    [SOCKQ_BAD_EMPTY_FILE] = "the file is empty, it lacks even the header",
    [SOCKQ_BAD_INTERRUPTED] = "sockets changed while the kernel told of them, at every look",
    [SOCKQ_BAD_OVERRUN] = "sockets were closed faster than they were read",
    [SOCKQ_BAD_WRONG_TABLE] = "the header is that of another table",
    [SOCKQ_BAD_GARBAGE] = "none of the first ten lines is a row",
    [SOCKQ_BAD_FILE_TYPE] = "not a regular file",
    [SOCKQ_BAD_TOO_LARGE] = "a line runs on for 64 MiB",
    [SOCKQ_BAD_ERRNO] = "cannot be read",
};

const char *sockq_problem_text(uint32_t reason)
{
    return reason < SOCKQ_REASONS && texts[reason] ? texts[reason] : "unknown reason";
}
