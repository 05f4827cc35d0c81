/* Decisions upon a request's headers. */
#include "message_api/answers.h"
#include "message_api/http_gate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_token(void **state)
{
    (void)state;
    assert_true(http_gate_token_fits("Bearer secret", "secret"));
    assert_true(http_gate_token_fits("bearer  secret", "secret"));
    assert_false(http_gate_token_fits(NULL, "secret"));
    assert_false(http_gate_token_fits("", "secret"));
    assert_false(http_gate_token_fits("Bearer ", "secret"));
    assert_false(http_gate_token_fits("Bearer secre", "secret"));
    assert_false(http_gate_token_fits("Bearer secret2", "secret"));
    assert_false(http_gate_token_fits("Basic secret", "secret"));
    assert_false(http_gate_token_fits("secret", "secret"));
}

static void test_content_type(void **state)
{
    (void)state;
    assert_true(http_gate_is_json("application/json"));
    assert_true(http_gate_is_json("Application/JSON ; charset=utf-8"));
    assert_false(http_gate_is_json(NULL));
    assert_false(http_gate_is_json(""));
    assert_false(http_gate_is_json("text/plain"));
    assert_false(http_gate_is_json("application/json5"));
    assert_false(http_gate_is_json("text/plain; application/json"));
}

static void test_statuses(void **state)
{
    (void)state;
    assert_int_equal(answer_status(ERR_NOT_JSON), 400);
    assert_int_equal(answer_status(ERR_UNAUTHORIZED), 401);
    assert_int_equal(answer_status(ERR_NOT_FOUND), 404);
    assert_int_equal(answer_status(ERR_STALE_EPOCH), 409);
    assert_int_equal(answer_status(ERR_MAILBOX_FULL), 429);
    assert_int_equal(answer_status(ERR_DISK_FULL), 507);
    assert_int_equal(answer_status(ERR_STORE_UNAVAILABLE), 503);
    assert_int_equal(answer_status(ERR_BUSY), 503);
    assert_int_equal(answer_status(ERR_CLOSED), 503);
    assert_int_equal(answer_status(ERR_NO_MEMORY), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
