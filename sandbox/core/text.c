#include "sandbox_core.h"

size_t gb_format_number(char *out, size_t capacity, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    if (count >= capacity) return 0;
    for (size_t i = 0; i < count; i++) out[i] = digits[count - 1 - i];
    out[count] = '\0';
    return count;
}

size_t gb_format_map(char *out, size_t capacity, uint32_t inner, uint32_t outer)
{
    size_t length = gb_format_number(out, capacity, inner);
    if (length == 0 || length + 1 >= capacity) return 0;
    out[length++] = ' ';
    size_t more = gb_format_number(out + length, capacity - length, outer);
    if (more == 0 || length + more + 4 > capacity) return 0;
    length += more;
    out[length++] = ' ';
    out[length++] = '1';
    out[length++] = '\n';
    return length;
}
