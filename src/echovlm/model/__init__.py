"""The network: Qwen2-VL whose every decoder layer has a dense path and an expert path."""

from echovlm.model.config import EchoVLMConfig, EchoVLMTextConfig
from echovlm.model.modeling import EchoVLMForConditionalGeneration
from echovlm.model.processor import EchoVLMImageProcessor, EchoVLMProcessor

__all__ = [
    "EchoVLMConfig",
    "EchoVLMForConditionalGeneration",
    "EchoVLMImageProcessor",
    "EchoVLMProcessor",
    "EchoVLMTextConfig",
]
