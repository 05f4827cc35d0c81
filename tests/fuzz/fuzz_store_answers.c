/* What the message API answers the server: where it ends, pages of a mailbox, results, errors. */
#include "fuzz.h"
#include "server/store_answer.h"
#include "server/store_codec.h"

enum { MOST = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    store_page_t page;
    store_put_result_t results[MOST];
    bool stale[MOST];
    store_claimed_t claimed[MOST];
    if (store_read_page(body, size, &page)) {
        for (size_t i = 0; i < page.count; i++)
            FUZZ_CHECK(page.entries[i].message.text[0] != '\0' && page.entries[i].message.id[0] != '\0');
        store_page_free(&page);
    }
    for (size_t count = 0; count <= MOST; count++) {
        store_read_put(body, size, results, count);
        store_read_acknowledged(body, size, stale, count);
        if (store_read_claims(body, size, claimed, count))
            FUZZ_CHECK(count == 0 || claimed[count - 1].epoch > 0);
    }
    store_read_error(body, size);
    store_answer_t answer;
    if (store_answer_parse(body, size, &answer) == STORE_ANSWER_WHOLE)
        FUZZ_CHECK(answer.head + answer.length <= size && answer.status >= 200 && answer.status <= 599);
    return 0;
}
