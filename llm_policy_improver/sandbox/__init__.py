"""Running programs that a language model wrote, without trusting them: `sandbox.Sandbox`, `limits.Limits`, `errors`."""
