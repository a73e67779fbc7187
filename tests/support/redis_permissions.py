"""What a user of a shared Redis has to be allowed, as the README states it."""

PERMISSIONS = (
    "+evalsha +eval +get +set +del +mget +exists +type +time +append +strlen +getrange +setrange "
    "+hget +hset +hsetnx +hmget +hgetall +hincrby +hdel +sadd +smembers +zadd +zrem +zincrby "
    "+zcard +zcount +zscore +zmscore +zrank +zrange +zrangebyscore +zrevrangebyscore +zrangebylex "
    "+llen +lrange +lindex +rpush +info"
)
