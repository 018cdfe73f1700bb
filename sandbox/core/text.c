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

size_t gb_format_map(char *out, size_t capacity, uint32_t inner, uint32_t outer, uint32_t count)
{
    const uint32_t numbers[] = {inner, outer, count};
    size_t length = 0;
    for (int i = 0; i < 3; i++) {
        size_t more = gb_format_number(out + length, capacity - length, numbers[i]);
        if (more == 0 || length + more + 2 > capacity) return 0;
        length += more;
        out[length++] = i < 2 ? ' ' : '\n';
    }
    return length;
}
