#include "error.h"
#include <stddef.h>
#include <string.h>

static const struct {
    const char *code, *text;
} errors[] = {
#define X(name, code, text) {code, text},
    ERR_MAP(X)
#undef X
};

enum { ERROR_COUNT = sizeof errors / sizeof errors[0] };

const char *err_code(err_t err)
{
    return (unsigned)err < ERROR_COUNT ? errors[err].code : errors[ERR_IO].code;
}

const char *err_text(err_t err)
{
    return (unsigned)err < ERROR_COUNT ? errors[err].text : errors[ERR_IO].text;
}

err_t err_from_code(const char *code)
{
    for (unsigned i = 0; code != NULL && i < ERROR_COUNT; i++) {
        if (strcmp(errors[i].code, code) == 0)
            return (err_t)i;
    }
    return ERR_IO;
}
