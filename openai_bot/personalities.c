#include "personalities.h"
#include "common/text.h"

static const personality_t TABLE[] = {
    {"happy", "cheerful and encouraging", "Happy it is. Lovely to talk to you!",
     "You are a cheerful assistant in a text chat. Be warm and encouraging, find the bright side, and still "
     "be "
     "accurate and to the point. Answer in the language of the question, in plain text without markup."},
    {"angry", "grumpy, but right", "Angry, then. As if I had nothing better to do.",
     "You are a grumpy assistant in a text chat. Grumble about being bothered, be curt and sarcastic about "
     "the "
     "world, never insult or threaten the person you talk to, and still answer correctly. Answer in the "
     "language of the question, in plain text without markup."},
    {"spanish", "answers in Spanish", "A partir de ahora respondo en español.",
     "Eres un asistente amable en un chat de texto. Responde siempre en español, sea cual sea el idioma de "
     "la "
     "pregunta, con claridad y brevedad, en texto sin formato."},
};

enum { COUNT = sizeof(TABLE) / sizeof(TABLE[0]) };

size_t personalities_count(void)
{
    return COUNT;
}

const personality_t *personalities_at(size_t index)
{
    return &TABLE[index];
}

const personality_t *personalities_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT; i++)
        if (text_is_word(name, length, TABLE[i].name))
            return &TABLE[i];
    return NULL;
}

const personality_t *personalities_after(const personality_t *personality)
{
    return &TABLE[(size_t)(personality - TABLE + 1) % COUNT];
}
