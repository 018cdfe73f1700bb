#include <stdio.h>

int main(void)
{
    puts("hello from inside the glovebox");
    return 0;
}
