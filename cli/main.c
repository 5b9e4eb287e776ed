/* weir: the one executable. */
#include <stdio.h>

int main(void)
{
    printf("weir " WEIR_VERSION "\n");
    return 0;
}
