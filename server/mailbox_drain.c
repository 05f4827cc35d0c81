/* Reading what waits in the store: claim, page by page, then live. */
#include "mailbox_drain.h"
#include "limits.h"
#include "recent.h"
#include "server.h"
#include "session.h"

void mailbox_claim(mailbox_t *mailbox)
{
    if (mailbox->claiming || store_client_state(mailbox->server->store) != ERR_OK)
        return;
    mailbox->claiming = true;
    mailbox->pins++;
    store_client_claim(mailbox->server->store, mailbox);
}

static void read_page(mailbox_t *mailbox)
{
    if (mailbox->server->stopping)
        return;
    if (mailbox->epoch == 0) {
        mailbox->state = MAILBOX_CLAIMING;
        mailbox->again = mailbox->claiming; /* one under way may have been answered before */
        mailbox_claim(mailbox);
        return;
    }
    mailbox->state = MAILBOX_READING;
    mailbox->again = false;
    mailbox->pins++;
    mailbox->reads++;
    store_client_read(mailbox->server->store, mailbox, mailbox->generation, mailbox->last_seq);
}

void mailbox_drain(mailbox_t *mailbox)
{
    mailbox->drained = 0;
    read_page(mailbox);
}

static void end_check(mailbox_t *mailbox, err_t err)
{
    if (!mailbox->check)
        return;
    mailbox->check = false;
    mailbox->session->protocol->on_checked(mailbox->session, mailbox->drained, err);
}

static void set_paced(mailbox_t *mailbox)
{
    mailbox->state = MAILBOX_PACED;
    session_expect_reading(mailbox->session);
}

static void finish(mailbox_t *mailbox)
{
    if (!mailbox_hand_waiting(mailbox)) {
        set_paced(mailbox);
        return;
    }
    mailbox->state = MAILBOX_LIVE;
    end_check(mailbox, ERR_OK);
}

static void read_on(mailbox_t *mailbox)
{
    if (output_queue_bytes(mailbox->session->output) > LIMIT_PAGE_AHEAD ||
        mailbox->unread > LIMIT_MAILBOX_UNREAD)
        set_paced(mailbox);
    else
        read_page(mailbox);
}

void mailbox_on_drain(mailbox_t *mailbox)
{
    if (mailbox->state == MAILBOX_PACED)
        read_on(mailbox);
    else if (mailbox->behind)
        mailbox->behind = !mailbox_hand_waiting(mailbox);
}

void mailbox_check(mailbox_t *mailbox)
{
    err_t state = store_client_state(mailbox->server->store);

    if (state != ERR_OK) {
        mailbox->session->protocol->on_checked(mailbox->session, 0, state);
        return;
    }
    mailbox->check = true;
    if (mailbox->state == MAILBOX_CLAIMING)
        session_hold(mailbox->session); /* the claim's answer goes with the login's */
    if (mailbox_is_draining(mailbox))
        mailbox->again = true;
    else
        mailbox_drain(mailbox);
}

/* ---- the store's answers ---- */

/* Direct mode: was it received from memory alone, as a repeat whose sender did not say so? */
static bool was_received(const mailbox_t *mailbox, const char *key)
{
    receipt_status_t status;

    return recent_find(mailbox->server->recent, key, &status) && status == RECEIPT_DELIVERED;
}

static void acknowledge_entry(mailbox_t *mailbox, store_entry_t *entry)
{
    delivery_t *delivery = delivery_new(&entry->message);

    delivery->put = PUT_STORED;
    delivery->got = true;
    mailbox_track(mailbox, delivery);
    mailbox_acknowledge(delivery);
}

static void take_entry(mailbox_t *mailbox, store_entry_t *entry)
{
    char key[DELIVERY_KEY_SIZE];

    delivery_key(entry->message.sender, entry->message.id, key);
    delivery_t *delivery = hash_get(mailbox->server->tracked, key);
    if (!delivery && was_received(mailbox, key)) {
        acknowledge_entry(mailbox, entry);
        return;
    }
    if (delivery && delivery->mailbox == mailbox && delivery->put == PUT_NONE)
        mailbox_set_put(delivery, PUT_STORED); /* a repeat, and here is the first copy */
    if (delivery && (delivery->handed || delivery->got || delivery->mailbox != mailbox))
        return;
    if (!delivery) {
        delivery = delivery_new(&entry->message);
        delivery->put = PUT_STORED;
        mailbox_track(mailbox, delivery);
        mailbox_hand(delivery, &delivery->message, true);
    } else {
        mailbox_hand(delivery, &entry->message, !delivery->live);
    }
    if (!delivery->live)
        mailbox->drained++;
}

static void take_entries(mailbox_t *mailbox, store_page_t *page)
{
    for (size_t i = 0; i < page->count; i++)
        take_entry(mailbox, &page->entries[i]);
    if (page->last_seq > mailbox->last_seq)
        mailbox->last_seq = page->last_seq;
}

static void go_on(mailbox_t *mailbox, err_t err, const store_page_t *page)
{
    if (err == ERR_STALE_EPOCH) {
        mailbox->epoch = 0;
        read_page(mailbox);
    } else if (err == ERR_OK && ((page->more && page->last_seq > 0) || mailbox->again)) {
        read_on(mailbox);
    } else if (err == ERR_OK) {
        finish(mailbox);
    }
}

/* A page may have been read before an acknowledgement was done, and come behind its answer. */
static void forget_acknowledged(mailbox_t *mailbox)
{
    delivery_t *delivery, *next;

    if (mailbox->reads > 0 || mailbox->acknowledged == 0)
        return;
    mailbox->acknowledged = 0;
    DELIVERY_EACH(delivery, next, &mailbox->deliveries, in_mailbox)
    {
        if (delivery->acknowledged)
            mailbox_forget(delivery);
    }
}

void mailbox_on_page(void *context, mailbox_t *mailbox, unsigned generation, err_t err, store_page_t *page)
{
    bool wanted = mailbox->session && generation == mailbox->generation;

    (void)context;
    mailbox->reads--;
    if (wanted && err == ERR_OK)
        take_entries(mailbox, page);
    forget_acknowledged(mailbox);
    if (wanted)
        go_on(mailbox, err, page);
    mailbox->pins--;
    mailbox_settle(mailbox);
}

static void flush_unclaimed(mailbox_t *mailbox)
{
    delivery_t *delivery;

    while ((delivery = TAILQ_FIRST(&mailbox->unclaimed)) != NULL) {
        TAILQ_REMOVE(&mailbox->unclaimed, delivery, in_queue);
        store_client_acknowledge(mailbox->server->store, delivery);
    }
}

void mailbox_on_claim_sent(void *context, mailbox_t *mailbox)
{
    (void)context;
    mailbox->again = false;
}

void mailbox_on_claimed(void *context, mailbox_t *mailbox, err_t err, const store_claimed_t *claimed)
{
    (void)context;
    mailbox->claiming = false;
    if (err == ERR_OK) {
        mailbox->epoch = claimed->epoch;
        flush_unclaimed(mailbox);
        /* LIVE: another server was the owner meanwhile, and may have left something. */
        if (mailbox->state == MAILBOX_LIVE && claimed->waiting)
            mailbox_drain(mailbox);
        else if (mailbox->state == MAILBOX_CLAIMING && (claimed->waiting || mailbox->again))
            read_page(mailbox);
        else if (mailbox->state == MAILBOX_CLAIMING)
            finish(mailbox);
    }
    if (mailbox->session)
        session_release(mailbox->session);
    mailbox->pins--;
    mailbox_settle(mailbox);
}

void mailbox_store_is_away(mailbox_t *mailbox, err_t why)
{
    mailbox->state = MAILBOX_AWAY;
    mailbox->generation++;
    mailbox->behind = !mailbox_hand_waiting(mailbox);
    end_check(mailbox, why);
}

void mailbox_store_is_back(mailbox_t *mailbox)
{
    mailbox->behind = false;
    if (mailbox->state == MAILBOX_AWAY)
        mailbox_drain(mailbox);
    else if (!TAILQ_EMPTY(&mailbox->unclaimed))
        mailbox_claim(mailbox);
}
