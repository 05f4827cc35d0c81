#include "http_url.h"
#include <stddef.h>
#include <string.h>

bool http_url_is_base(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(url, schemes[i], length) == 0)
            return url[length] != '\0' && url[length] != '/' && strpbrk(url, "?#@ ") == NULL;
    }
    return false;
}
