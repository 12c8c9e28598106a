"""EchoVLM: an open vision-language system for universal ultrasound."""
