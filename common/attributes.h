/* Compiler attributes that say in a signature what a comment would have to. */
#ifndef WEIR_COMMON_ATTRIBUTES_H
#define WEIR_COMMON_ATTRIBUTES_H

/* The caller must look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Arguments from `first` on are formatted by the string at position `string`, as printf does. */
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

/* The local is released with `release(&local)` when its scope ends. Every release function takes a
 * pointer to the pointer, accepts NULL in it and sets it to NULL. */
#define OWNED(release) __attribute__((cleanup(release)))

/* The result is new and released with `release`; gcc checks that, clang 14 knows the plain form. */
#if defined(__clang__)
#define RELEASED_WITH(release) __attribute__((malloc, returns_nonnull))
#else
#define RELEASED_WITH(release) __attribute__((malloc, malloc(release, 1), returns_nonnull))
#endif

/* Hands an owned local on: yields its value and leaves NULL behind. */
#define MOVE(local)                                                                                \
    __extension__({                                                                                \
        __typeof__(local) moved_ = (local);                                                        \
        (local) = NULL;                                                                            \
        moved_;                                                                                    \
    })

#endif
